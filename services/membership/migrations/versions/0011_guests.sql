CREATE TABLE proofs (
  store_id UUID NOT NULL,
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,
  customer_id UUID NOT NULL,
  proved_at TIMESTAMP WITH TIME ZONE NOT NULL,
  value TEXT,
  revision BIGINT NOT NULL,
  PRIMARY KEY (store_id, kind, digest)
);

CREATE INDEX proofs_pending ON proofs (proved_at) WHERE value IS NOT NULL;

CREATE INDEX proofs_by_customer ON proofs (store_id, customer_id);

CREATE TABLE guest_joinings (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  joining_id UUID NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  kind TEXT NOT NULL,
  guests BIGINT NOT NULL,
  orders BIGINT NOT NULL,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, joining_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id)
);
