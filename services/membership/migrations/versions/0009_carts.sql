CREATE TABLE cart_facts (
  store_id UUID NOT NULL,
  cart_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  version BIGINT NOT NULL,
  left_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, cart_id)
);

CREATE INDEX cart_facts_by_customer ON cart_facts (store_id, customer_id);
