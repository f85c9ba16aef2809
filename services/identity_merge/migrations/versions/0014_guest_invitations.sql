CREATE TABLE guest_invitations (
  store_id UUID NOT NULL,
  token_digest BYTEA NOT NULL,
  invitation_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  digest BYTEA NOT NULL,
  value TEXT NOT NULL,
  browser_digest BYTEA,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, token_digest)
);

CREATE INDEX guest_invitations_by_customer ON guest_invitations (store_id, customer_id);

CREATE INDEX guest_invitations_by_address ON guest_invitations (store_id, digest);

CREATE INDEX guest_invitations_expired ON guest_invitations (expires_at);
