CREATE TABLE uses (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  kind TEXT NOT NULL,
  given BOOLEAN NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  via TEXT NOT NULL,
  PRIMARY KEY (store_id, customer_id, kind),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id),
  CONSTRAINT uses_kind CHECK (kind IN ('email_marketing', 'sms_marketing'))
);

CREATE TABLE use_changes (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  change_id UUID NOT NULL,
  kind TEXT NOT NULL,
  given BOOLEAN NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  via TEXT NOT NULL,
  origin_customer_id UUID,
  PRIMARY KEY (store_id, customer_id, change_id),
  FOREIGN KEY(store_id, customer_id) REFERENCES customers (store_id, customer_id)
);
