CREATE TABLE items (
  store_id UUID NOT NULL,
  item_id UUID NOT NULL,
  name_en TEXT NOT NULL,
  name_zh TEXT NOT NULL,
  sku TEXT NOT NULL,
  unit_price BIGINT NOT NULL,
  sold_online BOOLEAN NOT NULL,
  sold_at_counter BOOLEAN NOT NULL,
  archived BOOLEAN NOT NULL,
  position INTEGER NOT NULL,
  version BIGINT NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (store_id, item_id)
);

CREATE INDEX items_in_order ON items (store_id, archived, position, item_id);

CREATE UNIQUE INDEX items_sku ON items (store_id, lower(sku)) WHERE sku <> '';
