-- What is not sent any more, but of which an earlier try may have arrived, was told apart from what nobody got only by its events.

ALTER TABLE scheduled_messages ADD COLUMN possibly_arrived boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN scheduled_messages.possibly_arrived IS 'It failed, expired or was cancelled, and of an earlier try nobody knows whether it reached the recipient.';
