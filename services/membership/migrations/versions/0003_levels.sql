CREATE TABLE level_changes (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  from_level_id UUID,
  from_level_name TEXT NOT NULL,
  to_level_id UUID,
  to_level_name TEXT NOT NULL,
  cause SMALLINT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  pinned_until TIMESTAMP WITH TIME ZONE,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, customer_id, seq)
);

CREATE INDEX level_changes_by_rules ON level_changes (store_id, seq) WHERE cause = 3;

CREATE TABLE level_announcements (
  store_id UUID NOT NULL,
  after_seq BIGINT NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE TABLE birthday_gifts (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  year SMALLINT NOT NULL,
  entry_id UUID NOT NULL,
  PRIMARY KEY (store_id, customer_id, year)
);
