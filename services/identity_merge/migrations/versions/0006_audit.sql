CREATE TABLE audit_entries (
  store_id UUID NOT NULL,
  seq BIGINT NOT NULL,
  event_id UUID NOT NULL,
  service TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id UUID NOT NULL,
  changes JSONB NOT NULL,
  request_id TEXT NOT NULL,
  hash BYTEA NOT NULL,
  search TEXT GENERATED ALWAYS AS (audit_text(actor, action, subject_kind, subject_id, changes, request_id)) STORED,
  PRIMARY KEY (store_id, seq),
  CONSTRAINT audit_entries_hash CHECK (octet_length(hash) = 32)
);

CREATE UNIQUE INDEX audit_entries_event ON audit_entries (store_id, event_id);

CREATE INDEX audit_entries_newest ON audit_entries (store_id, at DESC, seq DESC);

CREATE INDEX audit_entries_by_actor ON audit_entries (store_id, actor, at DESC, seq DESC);

CREATE INDEX audit_entries_by_action ON audit_entries (store_id, action, at DESC, seq DESC);

CREATE INDEX audit_entries_by_subject ON audit_entries (store_id, subject_id, at DESC, seq DESC);

CREATE INDEX audit_entries_words ON audit_entries USING gin (search gin_trgm_ops);
