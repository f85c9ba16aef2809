CREATE TABLE level_runs (
  store_id UUID NOT NULL,
  run_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  rules JSONB NOT NULL,
  seen BYTEA NOT NULL,
  done BIGINT NOT NULL,
  total BIGINT NOT NULL,
  up BIGINT NOT NULL,
  down BIGINT NOT NULL,
  refusal TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, run_id)
);

CREATE UNIQUE INDEX level_runs_under_way ON level_runs (store_id) WHERE state < 3;

CREATE INDEX level_runs_queued ON level_runs (requested_at) WHERE state < 3;
