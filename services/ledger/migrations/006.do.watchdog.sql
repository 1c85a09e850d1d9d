-- What the watchdog needs: where it goes on looking, what else a message says that only a send needs, a way to find
-- sends without an intent among millions, and one to prune what it found of messages that are not there.

CREATE TABLE watchdog_rounds (
  name text PRIMARY KEY,
  holder text NOT NULL,
  began_at timestamptz NOT NULL,
  cursors jsonb NOT NULL
);

COMMENT ON TABLE watchdog_rounds IS 'Which ledger keeps watch, and how far it has come in looking through everything a piece at a time.';
COMMENT ON COLUMN watchdog_rounds.name IS 'What is looked through: messages.';
COMMENT ON COLUMN watchdog_rounds.began_at IS 'When its latest round began.';
COMMENT ON COLUMN watchdog_rounds.holder IS 'A name of its own for each run of a ledger. Another takes over when it has not begun a round for three periods.';
COMMENT ON COLUMN watchdog_rounds.cursors IS 'The last that was looked at of each kind.';

ALTER TABLE message_contents ADD COLUMN rest jsonb NOT NULL DEFAULT '{}';

COMMENT ON COLUMN message_contents.rest IS 'What else the message says that only a send needs: further channels, tiers of retries.';

CREATE INDEX message_delivery_attempts_without_intent ON message_delivery_attempts (ended_at)
  WHERE outcome = 'sent' AND started_at IS NULL;

DROP INDEX message_events_of_none;
CREATE INDEX message_events_of_none ON message_events (stored_at)
  WHERE message_id = '' OR type IN ('rejected', 'overdue', 'reply-received');
