CREATE TABLE payment_providers (
  store_id UUID NOT NULL,
  provider_id UUID NOT NULL,
  kind SMALLINT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  api_key BYTEA NOT NULL,
  webhook_secret BYTEA NOT NULL,
  old_secret BYTEA NOT NULL,
  old_secret_until TIMESTAMP WITH TIME ZONE,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, provider_id)
);

CREATE UNIQUE INDEX payment_providers_kind ON payment_providers (store_id, kind);

CREATE UNIQUE INDEX payment_providers_active ON payment_providers (store_id) WHERE active;

CREATE INDEX payment_providers_by_id ON payment_providers (provider_id);

CREATE TABLE payment_checkouts (
  store_id UUID NOT NULL,
  checkout_id UUID NOT NULL,
  order_id UUID NOT NULL,
  provider_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  return_address TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  state SMALLINT NOT NULL,
  session TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (store_id, checkout_id),
  FOREIGN KEY(store_id, order_id) REFERENCES orders (store_id, order_id)
);

CREATE INDEX payment_checkouts_by_order ON payment_checkouts (store_id, order_id, created_at DESC);

CREATE INDEX payment_checkouts_by_session ON payment_checkouts (store_id, provider_id, session);

CREATE TABLE payment_notices (
  store_id UUID NOT NULL,
  notice_id UUID NOT NULL,
  provider_id UUID NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  kind SMALLINT NOT NULL,
  order_id UUID,
  session TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  reference TEXT NOT NULL,
  refund_id UUID,
  refund_reference TEXT NOT NULL,
  failure TEXT NOT NULL,
  body BYTEA NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  state SMALLINT NOT NULL,
  reason TEXT NOT NULL,
  settled_at TIMESTAMP WITH TIME ZONE,
  settled_by TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (store_id, notice_id)
);

CREATE UNIQUE INDEX payment_notices_event ON payment_notices (store_id, provider_id, event_id);

CREATE INDEX payment_notices_by_order ON payment_notices (store_id, order_id) WHERE order_id IS NOT NULL;

CREATE INDEX payment_notices_by_payment ON payment_notices (store_id, provider_id, reference);

CREATE INDEX payment_notices_newest ON payment_notices (store_id, provider_id, received_at DESC);

CREATE INDEX payment_notices_to_look_at ON payment_notices (store_id, received_at DESC, notice_id DESC) WHERE state = 3;

CREATE INDEX payment_notices_kept ON payment_notices (received_at) WHERE state = 1;

CREATE TABLE provider_refunds (
  store_id UUID NOT NULL,
  refund_id UUID NOT NULL,
  order_id UUID,
  provider_id UUID NOT NULL,
  payment TEXT NOT NULL,
  amount BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  reference TEXT NOT NULL,
  old_reference TEXT NOT NULL,
  failure TEXT NOT NULL,
  tries INTEGER NOT NULL,
  round INTEGER NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  next_try_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, refund_id)
);

CREATE INDEX provider_refunds_due ON provider_refunds (next_try_at) WHERE state = 1;
