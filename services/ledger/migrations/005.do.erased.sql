-- Messages whose person asked to be forgotten: their rows stay without what was personal.

ALTER TABLE scheduled_messages ADD COLUMN erased_at timestamptz;

COMMENT ON COLUMN scheduled_messages.erased_at IS 'Since when recipient, content and metadata are gone, everywhere. Null if they were not erased.';

-- Few, and a rebuild looks for them.
CREATE INDEX scheduled_messages_erased ON scheduled_messages (id) WHERE erased_at IS NOT NULL;
