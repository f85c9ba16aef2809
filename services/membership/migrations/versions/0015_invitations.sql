CREATE TABLE invitations (
  store_id UUID NOT NULL,
  digest BYTEA NOT NULL,
  invitation_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  email TEXT NOT NULL,
  invited_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  invited_by TEXT NOT NULL,
  times INTEGER DEFAULT '1' NOT NULL,
  accepted_at TIMESTAMP WITH TIME ZONE,
  accepted_by UUID,
  PRIMARY KEY (store_id, digest),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT invitations_accepted CHECK ((accepted_at IS NULL) = (accepted_by IS NULL))
);

CREATE UNIQUE INDEX invitations_newest ON invitations (store_id, invitation_id);

CREATE INDEX invitations_by_customer ON invitations (store_id, customer_id);

CREATE INDEX invitations_accepted_by ON invitations (store_id, accepted_by) WHERE accepted_by IS NOT NULL;

CREATE TABLE invitation_runs (
  store_id UUID NOT NULL,
  run_id UUID NOT NULL,
  state SMALLINT NOT NULL,
  query TEXT NOT NULL,
  greeting TEXT NOT NULL,
  guest_ids UUID[] NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER DEFAULT '0' NOT NULL,
  invited INTEGER DEFAULT '0' NOT NULL,
  refused JSONB DEFAULT '{}' NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, run_id)
);

CREATE UNIQUE INDEX invitation_runs_under_way ON invitation_runs (store_id) WHERE state < 3;

CREATE INDEX invitation_runs_queued ON invitation_runs (requested_at) WHERE state < 3;
