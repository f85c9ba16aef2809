CREATE TABLE standings (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  member BOOLEAN NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  net_spend BIGINT NOT NULL,
  points BIGINT NOT NULL,
  cart_since TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (store_id, customer_id)
);

CREATE INDEX standings_by_spend ON standings (store_id, member, net_spend, customer_id) INCLUDE (since);

CREATE INDEX standings_by_points ON standings (store_id, member, points, customer_id);

CREATE INDEX standings_by_cart ON standings (store_id, member, cart_since) INCLUDE (since, customer_id) WHERE cart_since IS NOT NULL;

CREATE TABLE saved_filters (
  store_id UUID NOT NULL,
  filter_id UUID NOT NULL,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL,
  wish JSONB NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (store_id, filter_id)
);

CREATE UNIQUE INDEX saved_filters_name ON saved_filters (store_id, folded_name);

CREATE TABLE overviews (
  store_id UUID NOT NULL,
  reckoned_at TIMESTAMP WITH TIME ZONE NOT NULL,
  took_ms BIGINT NOT NULL,
  figures JSONB NOT NULL,
  PRIMARY KEY (store_id)
);
