CREATE TABLE message_changes (
  store_id UUID NOT NULL,
  message_id UUID NOT NULL,
  change_id UUID NOT NULL,
  state TEXT NOT NULL,
  cause TEXT NOT NULL,
  error TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  PRIMARY KEY (store_id, message_id, change_id)
);
