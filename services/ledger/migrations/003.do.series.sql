-- Messages that are occurrences of a series.

ALTER TABLE scheduled_messages ADD COLUMN series_id text;

COMMENT ON COLUMN scheduled_messages.series_id IS 'Of which series it is an occurrence. Null when of none.';

CREATE INDEX scheduled_messages_by_series ON scheduled_messages (series_id, due_at, id) WHERE series_id IS NOT NULL;
