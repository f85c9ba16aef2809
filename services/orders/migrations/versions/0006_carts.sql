CREATE TABLE carts (
  store_id UUID NOT NULL,
  cart_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  token_hash BYTEA,
  customer_id UUID,
  lines JSONB NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  version BIGINT NOT NULL,
  order_id UUID,
  PRIMARY KEY (store_id, cart_id),
  CONSTRAINT carts_order CHECK ((state = 2) = (order_id IS NOT NULL))
);

CREATE UNIQUE INDEX carts_open_of_visitor ON carts (store_id, token_hash) WHERE state = 1 AND token_hash IS NOT NULL;

CREATE UNIQUE INDEX carts_open_of_member ON carts (store_id, customer_id) WHERE state = 1 AND customer_id IS NOT NULL;

CREATE INDEX carts_checked_out ON carts (store_id, token_hash, changed_at) WHERE state = 2 AND token_hash IS NOT NULL;

CREATE INDEX carts_stale ON carts (changed_at) WHERE customer_id IS NULL AND state IN (1, 3);
