CREATE TABLE webhooks (
  store_id UUID NOT NULL,
  webhook_id UUID NOT NULL,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  event_types TEXT[] NOT NULL,
  disabled_because TEXT DEFAULT '' NOT NULL,
  disabled_at TIMESTAMP WITH TIME ZONE,
  tell_owners BOOLEAN DEFAULT false NOT NULL,
  failing_since TIMESTAMP WITH TIME ZONE,
  failures INTEGER DEFAULT '0' NOT NULL,
  rest_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  secret BYTEA NOT NULL,
  old_secrets BYTEA[] DEFAULT '{}' NOT NULL,
  old_secrets_until TIMESTAMP WITH TIME ZONE[] DEFAULT '{}' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  removed_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '1' NOT NULL,
  PRIMARY KEY (store_id, webhook_id),
  CONSTRAINT webhooks_disabled CHECK (disabled_because IN ('', 'staff', 'gone', 'failing')),
  CONSTRAINT webhooks_disabled_at CHECK ((disabled_because = '') = (disabled_at IS NULL))
);

CREATE INDEX webhooks_to_tell ON webhooks (store_id, webhook_id) WHERE tell_owners;

CREATE TABLE webhook_deliveries (
  store_id UUID NOT NULL,
  delivery_id UUID NOT NULL,
  webhook_id UUID NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  customer_id UUID,
  order_id UUID,
  state TEXT NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  tries INTEGER DEFAULT '0' NOT NULL,
  next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  lease_until TIMESTAMP WITH TIME ZONE,
  status INTEGER DEFAULT '0' NOT NULL,
  error TEXT DEFAULT '' NOT NULL,
  log JSONB DEFAULT '[]' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  delivered_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, delivery_id),
  CONSTRAINT webhook_deliveries_state CHECK (state IN ('queued', 'claimed', 'delivered', 'failed')),
  CONSTRAINT webhook_deliveries_lease CHECK ((state = 'claimed') = (lease_until IS NOT NULL)),
  FOREIGN KEY(store_id, webhook_id) REFERENCES webhooks (store_id, webhook_id)
);

CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (store_id, webhook_id, event_id);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (store_id, webhook_id, next_attempt_at) WHERE state = 'queued';

CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (store_id, webhook_id, lease_until) WHERE state = 'claimed';

CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (store_id, webhook_id, delivery_id) WHERE state = 'failed';

CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (store_id, webhook_id, delivery_id DESC);

CREATE INDEX webhook_deliveries_typed ON webhook_deliveries (store_id, webhook_id, type, delivery_id DESC);

CREATE INDEX webhook_deliveries_customer ON webhook_deliveries (store_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE INDEX webhook_deliveries_order ON webhook_deliveries (store_id, order_id) WHERE order_id IS NOT NULL;

CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);
