-- Several senders, channels and lives of one message: what came with fallback, redrive and named senders.

ALTER TABLE scheduled_messages
  ADD COLUMN sender text,
  ADD COLUMN kind text,
  ADD COLUMN redriven_at integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN scheduled_messages.platform IS 'The channel it is on. Null when a refused command did not name a known one.';
COMMENT ON COLUMN scheduled_messages.sender IS 'The sender on that channel, by its name in the configuration.';
COMMENT ON COLUMN scheduled_messages.kind IS 'What it is for, as its publisher calls it.';
COMMENT ON COLUMN scheduled_messages.redriven_at IS 'The attempt from which an operator had it sent after all; 0 if never.';

ALTER TABLE message_delivery_attempts
  ADD COLUMN platform text,
  ADD COLUMN sender text;

COMMENT ON COLUMN message_delivery_attempts.platform IS 'The channel of this try.';
COMMENT ON COLUMN message_delivery_attempts.sender IS 'The sender of this try, by its name in the configuration.';
