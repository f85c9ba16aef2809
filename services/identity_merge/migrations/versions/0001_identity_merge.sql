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

CREATE TABLE login_attempts (
  store_id UUID NOT NULL,
  subject BYTEA NOT NULL,
  attempts INTEGER NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, subject)
);

CREATE INDEX login_attempts_old ON login_attempts (since);

CREATE TABLE login_methods (
  store_id UUID NOT NULL,
  login_method_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,
  value TEXT,
  state SMALLINT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  retired_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, login_method_id),
  CONSTRAINT login_methods_retired_keep_no_value CHECK ((state = 3) = (value IS NULL))
);

CREATE INDEX login_methods_by_customer ON login_methods (store_id, customer_id);

CREATE UNIQUE INDEX login_methods_identifier ON login_methods (store_id, kind, digest);

CREATE TABLE merge_plans (
  store_id UUID NOT NULL,
  plan_id UUID NOT NULL,
  plan_hash TEXT NOT NULL,
  primary_id UUID NOT NULL,
  merged_ids UUID[] NOT NULL,
  adjustment_points BIGINT NOT NULL,
  adjustment_expires_on TEXT NOT NULL,
  adjustment_description TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  merge_run_id UUID,
  PRIMARY KEY (store_id, plan_id)
);

CREATE INDEX merge_plans_expired ON merge_plans (expires_at);

CREATE TABLE merge_runs (
  store_id UUID NOT NULL,
  merge_run_id UUID NOT NULL,
  plan_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  primary_id UUID NOT NULL,
  merged_ids UUID[] NOT NULL,
  adjustment_points BIGINT NOT NULL,
  adjustment_expires_on TEXT NOT NULL,
  adjustment_description TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  started_by TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  orders_moved BIGINT NOT NULL,
  orders_expected BIGINT,
  refusal TEXT NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  version BIGINT NOT NULL,
  traceparent TEXT NOT NULL,
  claimed_by UUID,
  claimed_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  last_error TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (store_id, merge_run_id)
);

CREATE INDEX merge_runs_newest ON merge_runs (store_id, started_at DESC, merge_run_id DESC);

CREATE UNIQUE INDEX merge_runs_plan ON merge_runs (store_id, plan_id);

CREATE INDEX merge_runs_unfinished ON merge_runs (claimed_until) WHERE finished_at IS NULL;

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
  region TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  language TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE UNIQUE INDEX stores_slug ON stores (slug);

CREATE TABLE api_keys (
  store_id UUID NOT NULL,
  api_key_id UUID NOT NULL,
  key_digest BYTEA NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT[] NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, api_key_id),
  FOREIGN KEY(store_id) REFERENCES stores (store_id)
);

CREATE UNIQUE INDEX api_keys_digest ON api_keys (store_id, key_digest);

CREATE TABLE confirmations (
  store_id UUID NOT NULL,
  token_digest BYTEA NOT NULL,
  login_method_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, token_digest),
  FOREIGN KEY(store_id, login_method_id) REFERENCES login_methods (store_id, login_method_id)
);

CREATE INDEX confirmations_by_method ON confirmations (store_id, login_method_id);

CREATE INDEX confirmations_expired ON confirmations (expires_at);

CREATE TABLE merge_participants (
  store_id UUID NOT NULL,
  merge_run_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  merged BOOLEAN NOT NULL,
  active BOOLEAN DEFAULT true NOT NULL,
  logins_retired BOOLEAN DEFAULT false NOT NULL,
  PRIMARY KEY (store_id, merge_run_id, customer_id),
  FOREIGN KEY(store_id, merge_run_id) REFERENCES merge_runs (store_id, merge_run_id)
);

CREATE UNIQUE INDEX merge_participants_active ON merge_participants (store_id, customer_id) WHERE active;

CREATE INDEX merge_participants_by_customer ON merge_participants (store_id, customer_id);

CREATE TABLE staff (
  store_id UUID NOT NULL,
  staff_id UUID NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  name TEXT NOT NULL,
  role SMALLINT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, staff_id),
  FOREIGN KEY(store_id) REFERENCES stores (store_id)
);

CREATE UNIQUE INDEX staff_email ON staff (store_id, email_key);

CREATE TABLE staff_sessions (
  store_id UUID NOT NULL,
  token_digest BYTEA NOT NULL,
  staff_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, token_digest),
  FOREIGN KEY(store_id, staff_id) REFERENCES staff (store_id, staff_id)
);

CREATE INDEX staff_sessions_expired ON staff_sessions (expires_at);
