CREATE TABLE merge_batches (
  store_id UUID NOT NULL,
  batch_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  total INTEGER NOT NULL,
  ready INTEGER DEFAULT 0 NOT NULL,
  merged INTEGER DEFAULT 0 NOT NULL,
  failed INTEGER DEFAULT 0 NOT NULL,
  start BOOLEAN NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  confirmed_by TEXT DEFAULT '' NOT NULL,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, batch_id)
);

CREATE INDEX merge_batches_newest ON merge_batches (store_id, requested_at DESC, batch_id DESC);

CREATE INDEX merge_batches_under_way ON merge_batches (requested_at) WHERE state IN (1, 3);

CREATE TABLE merge_groups (
  store_id UUID NOT NULL,
  batch_id UUID NOT NULL,
  place INTEGER NOT NULL,
  asked_primary TEXT NOT NULL,
  asked_others TEXT[] NOT NULL,
  points TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  description TEXT NOT NULL,
  state SMALLINT NOT NULL,
  problems JSONB DEFAULT '[]' NOT NULL,
  warnings TEXT[] DEFAULT '{}' NOT NULL,
  primary_id UUID,
  merged_ids UUID[] DEFAULT '{}' NOT NULL,
  plan_id UUID,
  merge_run_id UUID,
  PRIMARY KEY (store_id, batch_id, place),
  FOREIGN KEY(store_id, batch_id) REFERENCES merge_batches (store_id, batch_id)
);

CREATE INDEX merge_groups_left ON merge_groups (store_id, batch_id, state, place) WHERE state < 4;

CREATE INDEX merge_groups_failed ON merge_groups (store_id, batch_id, place) WHERE state = 5;

CREATE UNIQUE INDEX merge_groups_of_run ON merge_groups (store_id, merge_run_id) WHERE merge_run_id IS NOT NULL;
