-- What is not sent any more, but of which an earlier try may have arrived, was told apart from what nobody got only by its attempts.

-- A ledger of an earlier version would go on without it: its place is taken from it, and the ledger that runs this goes on from there.
UPDATE projection_checkpoints SET position = position - 1 WHERE position > 0;

ALTER TABLE scheduled_messages ADD COLUMN possibly_arrived boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN scheduled_messages.possibly_arrived IS
  'It failed, expired or was cancelled, and a try may have reached the recipient, in whole or in part.';

UPDATE scheduled_messages SET possibly_arrived = true
WHERE status IN ('failed', 'expired', 'cancelled')
  AND EXISTS (SELECT FROM message_delivery_attempts WHERE message_id = id AND outcome = 'unknown');
