CREATE TABLE api_key_old_secrets (
  store_id UUID NOT NULL,
  key_digest BYTEA NOT NULL,
  api_key_id UUID NOT NULL,
  good_until TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, key_digest),
  FOREIGN KEY(store_id, api_key_id) REFERENCES api_keys (store_id, api_key_id)
);

CREATE INDEX api_key_old_secrets_by_key ON api_key_old_secrets (store_id, api_key_id);

CREATE INDEX api_key_old_secrets_expired ON api_key_old_secrets (good_until);
