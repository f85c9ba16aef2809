CREATE TABLE dead_letters (
  store_id UUID NOT NULL,
  event_id UUID NOT NULL,
  subject TEXT NOT NULL,
  headers BYTEA NOT NULL,
  payload BYTEA NOT NULL,
  error TEXT NOT NULL,
  failed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  replay_wanted_at TIMESTAMP WITH TIME ZONE,
  replayed_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, event_id)
);

CREATE INDEX dead_letters_wanted ON dead_letters (replay_wanted_at) WHERE replayed_at IS NULL;

CREATE TABLE idempotency_keys (
  store_id UUID NOT NULL,
  key TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  response BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

CREATE TABLE inbox (
  store_id UUID NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, event_id)
);

CREATE INDEX inbox_received ON inbox (received_at);

CREATE TABLE order_numbers (
  store_id UUID NOT NULL,
  next_number BIGINT NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE TABLE orders (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  number BIGINT NOT NULL,
  customer_id UUID NOT NULL,
  status SMALLINT NOT NULL,
  channel SMALLINT NOT NULL,
  currency TEXT NOT NULL,
  subtotal BIGINT NOT NULL,
  discount BIGINT NOT NULL,
  shipping BIGINT NOT NULL,
  total BIGINT NOT NULL,
  paid BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  contact_name TEXT NOT NULL,
  contact_phone TEXT NOT NULL,
  contact_email TEXT NOT NULL,
  shipping_address JSONB,
  add_as_member BOOLEAN NOT NULL,
  note TEXT NOT NULL,
  external_reference TEXT NOT NULL,
  language TEXT NOT NULL,
  placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  paid_at TIMESTAMP WITH TIME ZONE,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id, order_id)
);

CREATE INDEX orders_by_customer ON orders (store_id, customer_id, placed_at DESC, order_id DESC);

CREATE INDEX orders_by_status ON orders (store_id, status, placed_at DESC, order_id DESC);

CREATE INDEX orders_newest ON orders (store_id, placed_at DESC, order_id DESC);

CREATE UNIQUE INDEX orders_number ON orders (store_id, number);

CREATE TABLE outbox (
  store_id UUID NOT NULL,
  event_id UUID NOT NULL,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  type TEXT NOT NULL,
  aggregate_id UUID NOT NULL,
  version BIGINT NOT NULL,
  payload BYTEA NOT NULL,
  traceparent TEXT DEFAULT '' NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  published_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, event_id)
);

CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;

CREATE TABLE survivors (
  store_id UUID NOT NULL,
  merged_id UUID NOT NULL,
  survivor_id UUID NOT NULL,
  PRIMARY KEY (store_id, merged_id)
);

CREATE INDEX survivors_by_survivor ON survivors (store_id, survivor_id);

CREATE TABLE order_history (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  version BIGINT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  change TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (store_id, order_id, version),
  FOREIGN KEY(store_id, order_id) REFERENCES orders (store_id, order_id)
);

CREATE TABLE order_lines (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  position INTEGER NOT NULL,
  sku TEXT NOT NULL,
  title TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  unit_price BIGINT NOT NULL,
  discount BIGINT NOT NULL,
  PRIMARY KEY (store_id, order_id, position),
  FOREIGN KEY(store_id, order_id) REFERENCES orders (store_id, order_id)
);

CREATE TABLE payments (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  payment_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  method SMALLINT NOT NULL,
  reference TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, order_id, payment_id),
  FOREIGN KEY(store_id, order_id) REFERENCES orders (store_id, order_id)
);
