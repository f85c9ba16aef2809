CREATE TABLE suppressions (
  store_id UUID NOT NULL,
  address_digest BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, address_digest)
);
