CREATE TABLE imports (
  store_id UUID NOT NULL,
  import_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  file_name TEXT NOT NULL,
  file_size BIGINT NOT NULL,
  recognised TEXT NOT NULL,
  encoding TEXT NOT NULL,
  region TEXT NOT NULL,
  send_confirmations BOOLEAN NOT NULL,
  check_number INTEGER NOT NULL,
  rows_total INTEGER NOT NULL,
  rows_refused INTEGER NOT NULL,
  rows_imported INTEGER NOT NULL,
  rows_failed INTEGER NOT NULL,
  points_total BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  checked_at TIMESTAMP WITH TIME ZONE,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  purged_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, import_id)
);

CREATE INDEX imports_running ON imports (started_at) WHERE state = 4;

CREATE INDEX imports_kept ON imports (created_at) WHERE purged_at IS NULL;

CREATE TABLE import_parts (
  store_id UUID NOT NULL,
  import_id UUID NOT NULL,
  place BIGINT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (store_id, import_id, place),
  FOREIGN KEY(store_id, import_id) REFERENCES imports (store_id, import_id)
);

CREATE TABLE import_rows (
  store_id UUID NOT NULL,
  import_id UUID NOT NULL,
  number INTEGER NOT NULL,
  state SMALLINT NOT NULL,
  cells TEXT[] NOT NULL,
  problems JSONB NOT NULL,
  customer_id UUID NOT NULL,
  PRIMARY KEY (store_id, import_id, number),
  FOREIGN KEY(store_id, import_id) REFERENCES imports (store_id, import_id)
);
