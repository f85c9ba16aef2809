CREATE TABLE proofs (
  store_id UUID NOT NULL,
  browser_digest BYTEA NOT NULL,
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,
  value TEXT NOT NULL,
  label TEXT NOT NULL,
  name TEXT NOT NULL,
  code_id UUID,
  customer_id UUID,
  used_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, browser_digest, kind, digest)
);

CREATE INDEX proofs_expired ON proofs (expires_at);

CREATE TABLE customer_passwords (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  password_hash TEXT NOT NULL,
  set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, customer_id)
);
