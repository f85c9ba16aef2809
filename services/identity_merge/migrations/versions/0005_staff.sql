CREATE TABLE staff_invitations (
  store_id UUID NOT NULL,
  invitation_id UUID NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  name TEXT NOT NULL,
  role SMALLINT NOT NULL,
  staff_id UUID,
  invited_by TEXT NOT NULL,
  token_digest BYTEA,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, invitation_id),
  FOREIGN KEY(store_id) REFERENCES stores (store_id),
  FOREIGN KEY(store_id, staff_id) REFERENCES staff (store_id, staff_id)
);

CREATE UNIQUE INDEX staff_invitations_email ON staff_invitations (store_id, email_key);

CREATE UNIQUE INDEX staff_invitations_token ON staff_invitations (store_id, token_digest);

CREATE INDEX staff_invitations_expired ON staff_invitations (expires_at);

CREATE TABLE staff_totp (
  store_id UUID NOT NULL,
  staff_id UUID NOT NULL,
  sealed BYTEA NOT NULL,
  last_step BIGINT DEFAULT '0' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, staff_id),
  FOREIGN KEY(store_id, staff_id) REFERENCES staff (store_id, staff_id)
);

CREATE TABLE staff_recovery_codes (
  store_id UUID NOT NULL,
  staff_id UUID NOT NULL,
  code_digest BYTEA NOT NULL,
  PRIMARY KEY (store_id, staff_id, code_digest),
  FOREIGN KEY(store_id, staff_id) REFERENCES staff (store_id, staff_id)
);

CREATE TABLE staff_challenges (
  store_id UUID NOT NULL,
  token_digest BYTEA NOT NULL,
  staff_id UUID NOT NULL,
  tries SMALLINT DEFAULT '0' NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, token_digest),
  FOREIGN KEY(store_id, staff_id) REFERENCES staff (store_id, staff_id)
);

CREATE INDEX staff_challenges_by_staff ON staff_challenges (store_id, staff_id);

CREATE INDEX staff_challenges_expired ON staff_challenges (expires_at);
