CREATE TABLE audit_witness (
  store_id UUID NOT NULL,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, seq)
);
