-- Runs with search_path set to the schema to build: names stay unqualified, so that a rebuild can use the same files.

CREATE TABLE scheduled_messages (
  id text PRIMARY KEY,
  platform text,
  status text NOT NULL CHECK (status IN (
    'pending', 'processing', 'sent', 'delivered', 'read', 'failed', 'unknown', 'expired', 'cancelled', 'rejected'
  )),
  due_at timestamptz,
  expires_at timestamptz,
  sent_at timestamptz,
  attempts integer NOT NULL,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  priority text,
  unknown_outcome text,
  possible_duplicate boolean NOT NULL,
  error_category text,
  error_detail text,
  metadata jsonb NOT NULL,
  accepted_at timestamptz,
  planned_at timestamptz,
  recorded_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

COMMENT ON TABLE scheduled_messages IS 'One row a message: what became of it. No text, no address: see message_contents.';
COMMENT ON COLUMN scheduled_messages.id IS 'Chosen by the publisher.';
COMMENT ON COLUMN scheduled_messages.platform IS 'Null when a refused command did not name a known one.';
COMMENT ON COLUMN scheduled_messages.status IS
  'Moves forwards only: rejected, pending, processing, unknown, then one of sent, failed, expired, cancelled, then delivered, read.';
COMMENT ON COLUMN scheduled_messages.due_at IS 'When it is to be sent. Null when a refused command is all that is known.';
COMMENT ON COLUMN scheduled_messages.expires_at IS 'Past this it is not sent.';
COMMENT ON COLUMN scheduled_messages.sent_at IS 'When the platform first accepted it. Lateness is sent_at - due_at.';
COMMENT ON COLUMN scheduled_messages.attempts IS 'Sends begun.';
COMMENT ON COLUMN scheduled_messages.last_attempt_at IS 'When the latest send began.';
COMMENT ON COLUMN scheduled_messages.next_attempt_at IS 'When a retry follows. Null when none waits.';
COMMENT ON COLUMN scheduled_messages.unknown_outcome IS 'What to do when the answer to a send never came: resend or hold.';
COMMENT ON COLUMN scheduled_messages.possible_duplicate IS 'The recipient may have it more than once.';
COMMENT ON COLUMN scheduled_messages.error_category IS 'Of the latest failure: throttled, transient, recipient, content, sender, unknown. Null once sent.';
COMMENT ON COLUMN scheduled_messages.error_detail IS 'Of the latest failure: a code of a closed set; of a rejection: what was wrong. Never a value.';
COMMENT ON COLUMN scheduled_messages.metadata IS 'The publisher''s own labels.';
COMMENT ON COLUMN scheduled_messages.accepted_at IS 'When it was scheduled. Null when the log no longer said so.';
COMMENT ON COLUMN scheduled_messages.planned_at IS 'When it was scheduled or last rescheduled: an older plan does not replace a newer one.';
COMMENT ON COLUMN scheduled_messages.recorded_at IS 'When the event log first spoke of it.';
COMMENT ON COLUMN scheduled_messages.updated_at IS 'When the event log last spoke of it.';

CREATE INDEX scheduled_messages_by_due ON scheduled_messages (due_at, id);
CREATE INDEX scheduled_messages_by_status ON scheduled_messages (status, due_at, id);
CREATE INDEX scheduled_messages_by_platform ON scheduled_messages (platform, due_at, id);

CREATE TABLE message_contents (
  message_id text PRIMARY KEY,
  recipient jsonb NOT NULL,
  content jsonb NOT NULL
);

COMMENT ON TABLE message_contents IS 'Personal data, and the only place of it: a row may be deleted without losing the record of delivery.';
COMMENT ON COLUMN message_contents.recipient IS 'Where the message goes.';
COMMENT ON COLUMN message_contents.content IS 'What is sent.';

CREATE TABLE message_delivery_attempts (
  message_id text NOT NULL,
  attempt integer NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('sent', 'failed', 'unknown')),
  category text,
  reason text,
  provider_message_id text,
  possible_duplicate boolean NOT NULL,
  PRIMARY KEY (message_id, attempt)
);

COMMENT ON TABLE message_delivery_attempts IS 'One row for each try at delivering a message.';
COMMENT ON COLUMN message_delivery_attempts.attempt IS 'Counts from 1, waits that a platform asked for included.';
COMMENT ON COLUMN message_delivery_attempts.started_at IS 'When the intent to send was recorded. Null when it failed before.';
COMMENT ON COLUMN message_delivery_attempts.outcome IS 'Null while it runs.';
COMMENT ON COLUMN message_delivery_attempts.category IS 'Of a failure: throttled, transient, recipient, content, sender, unknown.';
COMMENT ON COLUMN message_delivery_attempts.reason IS 'A code of a closed set, never the platform''s own text.';
COMMENT ON COLUMN message_delivery_attempts.provider_message_id IS 'What the platform calls the message.';
COMMENT ON COLUMN message_delivery_attempts.possible_duplicate IS 'An earlier try may have reached the recipient.';

CREATE TABLE message_events (
  event_id text PRIMARY KEY,
  message_id text,
  type text NOT NULL,
  attempt integer,
  at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL,
  sequence bigint NOT NULL,
  detail jsonb NOT NULL
);

COMMENT ON TABLE message_events IS 'The timeline: every event once, however often the log says it.';
COMMENT ON COLUMN message_events.event_id IS 'The ce-id of the event: names it by what it says.';
COMMENT ON COLUMN message_events.message_id IS 'Null for a refused command without a usable id.';
COMMENT ON COLUMN message_events.at IS 'When it happened, by the clock of the service that said so.';
COMMENT ON COLUMN message_events.stored_at IS 'When the log stored it: by this and sequence the timeline is in order.';
COMMENT ON COLUMN message_events.sequence IS 'Its place in the log. A log that is made anew counts from 1 again.';
COMMENT ON COLUMN message_events.detail IS 'The fields of the event that hold no personal data.';

CREATE INDEX message_events_by_message ON message_events (message_id, stored_at, sequence);

CREATE TABLE projection_checkpoints (
  name text PRIMARY KEY,
  position bigint NOT NULL,
  stream_created timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

COMMENT ON TABLE projection_checkpoints IS 'How far the event log is projected: written in one transaction with the rows.';
COMMENT ON COLUMN projection_checkpoints.position IS 'Sequence of the last event that is projected.';
COMMENT ON COLUMN projection_checkpoints.stream_created IS 'Which log: one that was made anew counts from 1 again.';
