CREATE TABLE absorptions (
  store_id UUID NOT NULL,
  merge_run_id UUID NOT NULL,
  primary_id UUID NOT NULL,
  merged_ids UUID[] NOT NULL,
  fingerprint BYTEA NOT NULL,
  points_balance BIGINT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, merge_run_id)
);

CREATE TABLE customer_search (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  member BOOLEAN NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  haystack TEXT NOT NULL,
  grams TEXT[] NOT NULL,
  PRIMARY KEY (store_id, customer_id)
);

CREATE INDEX customer_search_newest ON customer_search (store_id, member, since DESC, customer_id DESC);

CREATE TABLE customers (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  status SMALLINT NOT NULL,
  name TEXT NOT NULL,
  phone TEXT NOT NULL,
  email TEXT NOT NULL,
  birthday DATE,
  language TEXT NOT NULL,
  source TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  joined_at TIMESTAMP WITH TIME ZONE,
  survivor_id UUID,
  merge_run_id UUID,
  merged_at TIMESTAMP WITH TIME ZONE,
  net_spend BIGINT DEFAULT '0' NOT NULL,
  orders_count BIGINT DEFAULT '0' NOT NULL,
  points_balance BIGINT DEFAULT '0' NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id, customer_id),
  CONSTRAINT customers_points_balance CHECK (points_balance >= 0),
  CONSTRAINT customers_survivor CHECK ((status = 3) = (survivor_id IS NOT NULL)),
  CONSTRAINT customers_own_survivor CHECK (survivor_id <> customer_id)
)
 WITH (fillfactor = 80);

CREATE INDEX customers_by_survivor ON customers (store_id, survivor_id) WHERE survivor_id IS NOT NULL;

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

CREATE TABLE identifiers (
  store_id UUID NOT NULL,
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,
  value TEXT,
  customer_id UUID NOT NULL,
  state TEXT NOT NULL,
  retired_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, kind, digest),
  CONSTRAINT identifiers_kind CHECK (kind IN ('phone', 'email')),
  CONSTRAINT identifiers_state CHECK (state = CASE WHEN value IS NULL THEN 'retired' ELSE 'live' END)
);

CREATE INDEX identifiers_by_customer ON identifiers (store_id, customer_id);

CREATE TABLE inbox (
  store_id UUID NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, event_id)
);

CREATE INDEX inbox_received ON inbox (received_at);

CREATE TABLE order_facts (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  declared_customer_id UUID NOT NULL,
  created_member BOOLEAN NOT NULL,
  placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  settled BOOLEAN DEFAULT 'false' NOT NULL,
  paid BIGINT DEFAULT '0' NOT NULL,
  refunded BIGINT DEFAULT '0' NOT NULL,
  version BIGINT DEFAULT '0' NOT NULL,
  PRIMARY KEY (store_id, order_id)
)
 WITH (fillfactor = 80);

CREATE INDEX order_facts_by_customer ON order_facts (store_id, customer_id);

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

CREATE TABLE points_entries (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  entry_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  reason SMALLINT NOT NULL,
  points BIGINT NOT NULL,
  note TEXT NOT NULL,
  order_id UUID,
  actor TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  merge_run_id UUID,
  PRIMARY KEY (store_id, customer_id, entry_id)
);

CREATE UNIQUE INDEX points_entries_earned ON points_entries (store_id, order_id) WHERE reason = 1;

CREATE TABLE store_settings (
  store_id UUID NOT NULL,
  region TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  language TEXT NOT NULL,
  points_per_unit INTEGER DEFAULT '1' NOT NULL,
  validity_months INTEGER DEFAULT '12' NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE TABLE addresses (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  digest BYTEA NOT NULL,
  content JSONB NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, customer_id, digest),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id)
);

CREATE TABLE points_lots (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  lot_id UUID NOT NULL,
  points BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  origin_lot_id UUID,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, lot_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT points_lots_remaining CHECK (remaining BETWEEN 0 AND points)
);

CREATE INDEX points_lots_expiring ON points_lots (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
