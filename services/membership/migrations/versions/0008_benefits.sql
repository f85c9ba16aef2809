CREATE TABLE redemptions (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  points BIGINT NOT NULL,
  discount BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  reserved_at TIMESTAMP WITH TIME ZONE NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (store_id, order_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id)
);

CREATE UNIQUE INDEX redemptions_key ON redemptions (store_id, key) WHERE state < 4;

CREATE INDEX redemptions_of_customer ON redemptions (store_id, customer_id);

CREATE INDEX redemptions_held ON redemptions (reserved_at) WHERE state = 1;
