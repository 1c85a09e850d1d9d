-- What the tables are found by, so that they can be written fast and read at ten million messages.

-- The timeline is the largest table, and had two indexes as large as itself. One does for both: whether an event stands,
-- and all of a message's. So an event about no message needs a value there.
UPDATE message_events SET message_id = '' WHERE message_id IS NULL;
ALTER TABLE message_events DROP CONSTRAINT message_events_pkey;
DROP INDEX message_events_by_message;
ALTER TABLE message_events ADD PRIMARY KEY (message_id, event_id);

COMMENT ON COLUMN message_events.message_id IS 'Empty for a refused command without a usable id, and for what became of a sender.';

-- Of these a message may have none: they are pruned by their own age.
CREATE INDEX message_events_of_none ON message_events (stored_at) WHERE message_id = '' OR type = 'rejected';

-- For "what was not sent of late".
CREATE INDEX scheduled_messages_not_sent ON scheduled_messages (updated_at) WHERE status IN ('failed', 'unknown', 'expired');

-- An attempt is written when it begins and again when it ends: in the same place, if there is room.
ALTER TABLE message_delivery_attempts SET (fillfactor = 80);

COMMENT ON COLUMN scheduled_messages.priority IS 'Who goes first when many wait: urgent, normal, bulk.';
COMMENT ON COLUMN message_contents.message_id IS 'The message of scheduled_messages.';
COMMENT ON COLUMN message_delivery_attempts.message_id IS 'The message of scheduled_messages.';
COMMENT ON COLUMN message_delivery_attempts.ended_at IS 'When the platform had answered, or the attempt was given up.';
COMMENT ON COLUMN message_events.type IS 'As in the contract: scheduled, sent and so on.';
COMMENT ON COLUMN message_events.attempt IS 'The attempt that it is about. Null for what is about the message.';
COMMENT ON COLUMN projection_checkpoints.name IS 'The projection: events.';
COMMENT ON COLUMN projection_checkpoints.updated_at IS 'When it last moved.';
