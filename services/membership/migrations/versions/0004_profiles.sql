CREATE TABLE customer_notes (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  note_id UUID NOT NULL,
  content TEXT NOT NULL,
  author TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  struck_by TEXT,
  struck_at TIMESTAMP WITH TIME ZONE,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, note_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT customer_notes_struck CHECK ((struck_by IS NULL) = (struck_at IS NULL))
);

CREATE TABLE consents (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  consent_id UUID NOT NULL,
  given TEXT NOT NULL,
  taken_by TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  old_phone TEXT NOT NULL,
  new_phone TEXT NOT NULL,
  note TEXT NOT NULL,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, consent_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT consents_given CHECK (given IN ('in_person', 'by_phone', 'in_writing'))
);

CREATE TABLE profile_changes (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  change_id UUID NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  fields TEXT[] NOT NULL,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, change_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id)
);

CREATE TABLE removals (
  store_id UUID NOT NULL,
  removal_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  refusal TEXT DEFAULT '' NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  key TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  claimed_until TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, removal_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT removals_kind CHECK (kind IN ('delete', 'erase')),
  CONSTRAINT removals_state CHECK (state IN ('claimed', 'done', 'refused')),
  CONSTRAINT removals_finished CHECK ((state = 'claimed') = (finished_at IS NULL))
);

CREATE UNIQUE INDEX removals_under_way ON removals (store_id, customer_id) WHERE state = 'claimed';

CREATE INDEX removals_by_customer ON removals (store_id, customer_id, removal_id DESC);

CREATE INDEX removals_claimed ON removals (claimed_until) WHERE state = 'claimed';
