CREATE TABLE codes (
  store_id UUID NOT NULL,
  browser_digest BYTEA NOT NULL,
  code_id UUID NOT NULL,
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,
  code_digest BYTEA,
  tries SMALLINT DEFAULT '0' NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, browser_digest)
);

CREATE INDEX codes_expired ON codes (expires_at);

CREATE UNIQUE INDEX codes_id ON codes (store_id, code_id);

CREATE TABLE customer_sessions (
  store_id UUID NOT NULL,
  token_digest BYTEA NOT NULL,
  login_method_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, token_digest),
  FOREIGN KEY(store_id, login_method_id) REFERENCES login_methods (store_id, login_method_id)
);

CREATE INDEX customer_sessions_by_method ON customer_sessions (store_id, login_method_id);

CREATE INDEX customer_sessions_expired ON customer_sessions (expires_at);
