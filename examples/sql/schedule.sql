-- Schedules a message in the application's own transaction: it is sent if, and only if, the appointment is stored.
-- psql "$DATABASE_URL" -v id=appt-1 -v due=2030-01-01T09:00:00Z -v chat=123456789 -f schedule.sql
-- Once before: psql -1 -f deploy/postgres/outbox.sql; and services/table-bridge must run.

BEGIN;

CREATE TABLE IF NOT EXISTS appointments (id text PRIMARY KEY, at timestamptz NOT NULL);
INSERT INTO appointments VALUES (:'id', :'due') ON CONFLICT DO NOTHING;

SELECT carillon.schedule_message(
  :'id', :'chat', 'Your appointment is tomorrow.', :'due'::timestamptz,
  '{"priority": "normal", "maxLatenessSeconds": 3600, "metadata": {"ward": "7"}}'
);

COMMIT;

-- What the scheduler refused of it, if anything:
SELECT command, problems FROM carillon.refusals WHERE message_id = :'id';
