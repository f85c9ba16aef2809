CREATE TABLE bulk_runs (
  store_id UUID NOT NULL,
  run_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  goal SMALLINT NOT NULL,
  method SMALLINT NOT NULL,
  note TEXT NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, run_id)
);

CREATE INDEX bulk_runs_newest ON bulk_runs (store_id, requested_at DESC, run_id DESC);

CREATE INDEX bulk_runs_queued ON bulk_runs (requested_at) WHERE state < 3;

CREATE TABLE bulk_orders (
  store_id UUID NOT NULL,
  run_id UUID NOT NULL,
  order_id UUID NOT NULL,
  place INTEGER NOT NULL,
  refusal TEXT,
  PRIMARY KEY (store_id, run_id, order_id),
  FOREIGN KEY(store_id, run_id) REFERENCES bulk_runs (store_id, run_id)
);

CREATE INDEX bulk_orders_left ON bulk_orders (store_id, run_id, place) WHERE refusal IS NULL;

CREATE INDEX bulk_orders_refused ON bulk_orders (store_id, run_id, place) WHERE refusal <> '';
