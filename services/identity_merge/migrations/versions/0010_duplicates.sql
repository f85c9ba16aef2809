CREATE TABLE duplicate_pairs (
  store_id UUID NOT NULL,
  first_id UUID NOT NULL,
  second_id UUID NOT NULL,
  score INTEGER NOT NULL,
  reasons TEXT[] NOT NULL,
  first_digest BYTEA NOT NULL,
  second_digest BYTEA NOT NULL,
  scan_id UUID NOT NULL,
  found_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  dismissed_at TIMESTAMP WITH TIME ZONE,
  dismissed_by TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (store_id, first_id, second_id),
  CONSTRAINT duplicate_pairs_order CHECK (first_id < second_id)
);

CREATE INDEX duplicate_pairs_by_second ON duplicate_pairs (store_id, second_id);

CREATE INDEX duplicate_pairs_likeliest ON duplicate_pairs (store_id, score DESC, first_id DESC, second_id DESC) WHERE dismissed_at IS NULL;

CREATE INDEX duplicate_pairs_dismissed ON duplicate_pairs (store_id, dismissed_at DESC, first_id DESC, second_id DESC) WHERE dismissed_at IS NOT NULL;

CREATE TABLE duplicate_scans (
  store_id UUID NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE,
  wanted_at TIMESTAMP WITH TIME ZONE,
  scan_id UUID,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  members BIGINT DEFAULT 0 NOT NULL,
  members_read BIGINT DEFAULT 0 NOT NULL,
  attempts INTEGER DEFAULT 0 NOT NULL,
  claimed_until TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE INDEX duplicate_scans_due ON duplicate_scans (claimed_until) WHERE scan_id IS NOT NULL OR wanted_at IS NOT NULL OR changed_at IS NOT NULL;
