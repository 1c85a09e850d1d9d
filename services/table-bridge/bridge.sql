-- What the bridge knows of bridged tables, in a schema of its own: ids and digests, no text, no address.

CREATE SCHEMA IF NOT EXISTS carillon_bridge;

CREATE TABLE IF NOT EXISTS carillon_bridge.bridges (
  name text PRIMARY KEY,
  key uuid NOT NULL DEFAULT gen_random_uuid(),
  active boolean NOT NULL DEFAULT true,
  added jsonb NOT NULL,
  backfill jsonb,
  swept_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE carillon_bridge.bridges ADD COLUMN IF NOT EXISTS swept_at timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE carillon_bridge.bridges IS 'One row for each bridged table.';
COMMENT ON COLUMN carillon_bridge.bridges.key IS 'Digests are made with it.';
COMMENT ON COLUMN carillon_bridge.bridges.active IS 'False once it was undone: what is known of the rows stays, so that no message id is used twice.';
COMMENT ON COLUMN carillon_bridge.bridges.added IS 'The columns that were added to the table.';
COMMENT ON COLUMN carillon_bridge.bridges.backfill IS 'How far a backfill is that was begun and not finished.';
COMMENT ON COLUMN carillon_bridge.bridges.swept_at IS 'When all rows were last looked over for one that no trigger noted.';

CREATE TABLE IF NOT EXISTS carillon_bridge.changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bridge text NOT NULL,
  row_id text,
  patient_id text,
  gone boolean NOT NULL DEFAULT false,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS changes_by_bridge ON carillon_bridge.changes (bridge, id);
COMMENT ON TABLE carillon_bridge.changes IS 'Rows to look at, written by triggers in the application''s own transactions.';

CREATE TABLE IF NOT EXISTS carillon_bridge.tracked (
  bridge text NOT NULL,
  row_id text NOT NULL,
  patient_id text,
  revision integer NOT NULL DEFAULT 0,
  message_id text UNIQUE,
  state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'live', 'cancelling', 'leaving', 'over')),
  accepted boolean NOT NULL DEFAULT false,
  identity text,
  wish text,
  gone boolean NOT NULL DEFAULT false,
  renewed boolean NOT NULL DEFAULT false,
  changed_at timestamptz,
  look_at timestamptz,
  status text,
  attempts integer NOT NULL DEFAULT 0,
  last_attempt_at timestamptz,
  sent_at timestamptz,
  problem text,
  dirty_since timestamptz,
  PRIMARY KEY (bridge, row_id)
);
ALTER TABLE carillon_bridge.tracked ADD COLUMN IF NOT EXISTS renewed boolean NOT NULL DEFAULT false;
CREATE INDEX IF NOT EXISTS tracked_by_patient ON carillon_bridge.tracked (bridge, patient_id);
CREATE INDEX IF NOT EXISTS tracked_to_look_at ON carillon_bridge.tracked (bridge, look_at) WHERE look_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tracked_to_write_back ON carillon_bridge.tracked (bridge, dirty_since) WHERE dirty_since IS NOT NULL;
COMMENT ON TABLE carillon_bridge.tracked IS 'What became of each row; kept when the row is deleted, so that no message id is used twice.';
COMMENT ON COLUMN carillon_bridge.tracked.message_id IS 'Of the newest message for this row; <bridge>-<row id>, later ones with __<revision>.';
COMMENT ON COLUMN carillon_bridge.tracked.state IS 'idle: no message; live: one is scheduled; cancelling: its cancellation is asked for; leaving: too late for that; over: it was sent, or may have been.';
COMMENT ON COLUMN carillon_bridge.tracked.accepted IS 'The scheduler has accepted the newest message.';
COMMENT ON COLUMN carillon_bridge.tracked.identity IS 'Digest of what a reschedule cannot change: platform, sender, recipient.';
COMMENT ON COLUMN carillon_bridge.tracked.wish IS 'Digest of the rest: time, content, priority, metadata.';
COMMENT ON COLUMN carillon_bridge.tracked.renewed IS 'Another row has taken the id since the newest message was scheduled, and waits for its own.';
COMMENT ON COLUMN carillon_bridge.tracked.changed_at IS 'When the application made the change that is being carried out.';
COMMENT ON COLUMN carillon_bridge.tracked.look_at IS 'When the bridge looks at the row by itself: shortly before it is due.';
COMMENT ON COLUMN carillon_bridge.tracked.dirty_since IS 'Since when there is something to write back to the row.';

DROP TRIGGER IF EXISTS wake ON carillon_bridge.changes;
CREATE TRIGGER wake AFTER INSERT ON carillon_bridge.changes
  FOR EACH STATEMENT EXECUTE FUNCTION carillon_outbox.wake();
