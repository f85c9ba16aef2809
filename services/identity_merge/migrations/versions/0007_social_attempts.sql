CREATE TABLE social_attempts (
  store_id UUID NOT NULL,
  state_digest BYTEA NOT NULL,
  browser_digest BYTEA NOT NULL,
  provider_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  language TEXT NOT NULL,
  adds_to UUID,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, state_digest)
);

CREATE INDEX social_attempts_expired ON social_attempts (expires_at);
