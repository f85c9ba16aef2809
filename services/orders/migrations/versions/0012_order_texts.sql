CREATE TABLE order_texts (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  search TEXT NOT NULL,
  grams TEXT[] NOT NULL,
  PRIMARY KEY (store_id, order_id)
);

CREATE INDEX order_texts_search ON order_texts USING gin (search gin_trgm_ops);

CREATE INDEX order_texts_grams ON order_texts USING gin (grams) WHERE grams <> '{}';
