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

CREATE TABLE messages (
  store_id UUID NOT NULL,
  message_id UUID NOT NULL,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  language TEXT NOT NULL,
  params JSONB NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  lease_until TIMESTAMP WITH TIME ZONE,
  failing_since TIMESTAMP WITH TIME ZONE,
  error TEXT DEFAULT '' NOT NULL,
  order_id UUID,
  customer_id UUID,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, message_id),
  CONSTRAINT messages_state CHECK (state IN ('queued', 'claimed', 'sending', 'sent', 'failed', 'unknown', 'cancelled')),
  CONSTRAINT messages_lease CHECK ((state IN ('claimed', 'sending')) = (lease_until IS NOT NULL))
);

CREATE INDEX messages_by_customer ON messages (store_id, customer_id, message_id DESC);

CREATE INDEX messages_by_order ON messages (store_id, order_id, message_id DESC);

CREATE UNIQUE INDEX messages_event ON messages (store_id, event_id, kind);

CREATE INDEX messages_leased ON messages (lease_until) WHERE state IN ('claimed', 'sending');

CREATE INDEX messages_queue ON messages (store_id, next_attempt_at) WHERE state = 'queued';

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

CREATE TABLE stores (
  store_id UUID NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  timezone TEXT NOT NULL,
  currency TEXT NOT NULL,
  region TEXT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id)
);
