CREATE TABLE looks (
  store_id UUID NOT NULL,
  accent TEXT NOT NULL,
  reply_to TEXT NOT NULL,
  postal_address TEXT NOT NULL,
  logo_name TEXT NOT NULL,
  logo_width INTEGER NOT NULL,
  logo_height INTEGER NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id)
);

CREATE TABLE logos (
  store_id UUID NOT NULL,
  logo_name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (store_id, logo_name)
);
