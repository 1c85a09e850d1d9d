-- Carillon's outbox: schedule messages from SQL, in your own transaction. What commits is scheduled, what rolls back is not.
-- For Postgres 13 or newer, Supabase included; may be run again at any time. In one transaction: psql -1 -f outbox.sql
-- The functions stand in the schema carillon, beside the ledger's tables where they share a database; what waits stands
-- in the schema carillon_outbox, until services/table-bridge has published it.

DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('carillon.outbox')); END $$;

CREATE SCHEMA IF NOT EXISTS carillon;
CREATE SCHEMA IF NOT EXISTS carillon_outbox;

CREATE TABLE IF NOT EXISTS carillon_outbox.identity (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO carillon_outbox.identity DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE carillon_outbox.identity IS 'Names this database in the ids of what it publishes.';

CREATE TABLE IF NOT EXISTS carillon_outbox.commands (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (name IN ('schedule', 'reschedule', 'cancel')),
  message_id text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS commands_by_message ON carillon_outbox.commands (message_id, id);
COMMENT ON TABLE carillon_outbox.commands IS 'What waits to be published. Personal data; a row is deleted when NATS has stored it.';

CREATE TABLE IF NOT EXISTS carillon_outbox.published (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  message_id text NOT NULL,
  published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS published_by_message ON carillon_outbox.published (message_id);
CREATE INDEX IF NOT EXISTS published_by_time ON carillon_outbox.published (published_at);
COMMENT ON TABLE carillon_outbox.published IS 'What NATS has stored, without text or address; kept for OUTBOX_KEEP_DAYS.';

CREATE TABLE IF NOT EXISTS carillon_outbox.refusals (
  event_id text PRIMARY KEY,
  message_id text NOT NULL,
  command text NOT NULL,
  problems jsonb NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS refusals_by_message ON carillon_outbox.refusals (message_id);
COMMENT ON TABLE carillon_outbox.refusals IS 'What the scheduler refused of what was published here. No personal data.';

CREATE TABLE IF NOT EXISTS carillon_outbox.checkpoints (
  name text PRIMARY KEY,
  position bigint NOT NULL,
  stream_created timestamptz NOT NULL
);
COMMENT ON TABLE carillon_outbox.checkpoints IS 'How far the event log was read, for refusals and for mirrored rows.';

CREATE OR REPLACE VIEW carillon.refusals AS
  SELECT message_id, command, problems, at FROM carillon_outbox.refusals;
COMMENT ON VIEW carillon.refusals IS 'What the scheduler refused, and why.';

-- Wakes the relay, which looks by itself every second: where many transactions a second commit, and the lock that
-- NOTIFY takes is felt, disable this trigger.
CREATE OR REPLACE FUNCTION carillon_outbox.wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.pg_notify('carillon', '');
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS wake ON carillon_outbox.commands;
CREATE TRIGGER wake AFTER INSERT ON carillon_outbox.commands
  FOR EACH STATEMENT EXECUTE FUNCTION carillon_outbox.wake();

-- The fields that a command may have beside what the functions take as arguments; a test holds them to the contract.
CREATE OR REPLACE FUNCTION carillon_outbox.option_names(command text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE command
    WHEN 'schedule' THEN ARRAY['sender', 'expiresAt', 'maxLatenessSeconds', 'kind', 'priority', 'unknownOutcome',
      'retry', 'fallback', 'metadata']
    WHEN 'reschedule' THEN ARRAY['expiresAt', 'maxLatenessSeconds', 'content', 'priority', 'metadata', 'reason']
  END
$$;

CREATE OR REPLACE FUNCTION carillon_outbox.platform_names() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['telegram', 'webhook']
$$;

-- Fails the caller's transaction. What is wrong is named, the value never: errors end up in logs.
CREATE OR REPLACE FUNCTION carillon_outbox.refuse(path text, problem text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'carillon: % %', path, problem USING ERRCODE = 'invalid_parameter_value';
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_time(path text, instant timestamptz) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF instant IS NULL THEN PERFORM carillon_outbox.refuse(path, 'is required'); END IF;
  IF NOT isfinite(instant) OR instant > now() + interval '3653 days' THEN
    PERFORM carillon_outbox.refuse(path, 'is more than ten years ahead');
  END IF;
  IF instant < timestamptz '1970-01-01 00:00:00Z' THEN PERFORM carillon_outbox.refuse(path, 'is before 1970'); END IF;
  RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_content(content jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF content IS NULL OR jsonb_typeof(content) <> 'object' OR jsonb_typeof(content -> 'type') IS DISTINCT FROM 'string' THEN
    PERFORM carillon_outbox.refuse('content', 'must be an object with a type, for example {"type": "text", "text": "…"}');
  END IF;
  IF content ->> 'type' = 'text' THEN
    IF jsonb_typeof(content -> 'text') IS DISTINCT FROM 'string' THEN
      PERFORM carillon_outbox.refuse('content.text', 'is required');
    END IF;
    IF content ->> 'text' !~ '[^[:space:]]' THEN PERFORM carillon_outbox.refuse('content.text', 'must not be blank'); END IF;
    IF char_length(content ->> 'text') > 32768 THEN
      PERFORM carillon_outbox.refuse('content.text', 'must have at most 32768 characters');
    END IF;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_recipient(platform text, recipient jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF platform IS NULL OR NOT platform = ANY (carillon_outbox.platform_names()) THEN
    PERFORM carillon_outbox.refuse('platform', 'must be one of ' || array_to_string(carillon_outbox.platform_names(), ', '));
  END IF;
  IF recipient IS NULL OR jsonb_typeof(recipient) <> 'object' OR recipient = '{}' THEN
    PERFORM carillon_outbox.refuse('recipient', 'must be an object, for example {"chatId": "123456789"}');
  END IF;
  IF recipient ? 'contact' AND (
    jsonb_typeof(recipient -> 'contact') IS DISTINCT FROM 'string' OR recipient ->> 'contact' !~ '^[A-Za-z0-9_-]{1,64}$'
  ) THEN
    PERFORM carillon_outbox.refuse('recipient.contact', 'must be 1 to 64 of A-Z a-z 0-9 _ -');
  END IF;
  IF platform = 'telegram' AND NOT recipient ? 'contact' AND (
    jsonb_typeof(recipient -> 'chatId') IS DISTINCT FROM 'string'
    OR recipient ->> 'chatId' !~ '^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$'
  ) THEN
    PERFORM carillon_outbox.refuse('recipient.chatId',
      'must be a string: a Telegram chat id (digits, groups with a leading -) or @channelname. A recipient in JSON is given as jsonb');
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_options(command text, options jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF options IS NULL OR jsonb_typeof(options) <> 'object' THEN
    PERFORM carillon_outbox.refuse('options', 'must be an object, {} for none');
  END IF;
  IF EXISTS (SELECT FROM jsonb_object_keys(options) key WHERE key <> ALL (carillon_outbox.option_names(command))) THEN
    PERFORM carillon_outbox.refuse('options',
      'may have only: ' || array_to_string(carillon_outbox.option_names(command), ', '));
  END IF;
  IF options ?& ARRAY['expiresAt', 'maxLatenessSeconds'] THEN
    PERFORM carillon_outbox.refuse('options', 'give expiresAt or maxLatenessSeconds, not both');
  END IF;
  IF options ? 'priority' AND NOT options -> 'priority' <@ '["urgent", "normal", "bulk"]' THEN
    PERFORM carillon_outbox.refuse('options.priority', 'must be urgent, normal or bulk');
  END IF;
  IF options ? 'maxLatenessSeconds' AND (options ->> 'maxLatenessSeconds') !~ '^[1-9][0-9]{0,7}$' THEN
    PERFORM carillon_outbox.refuse('options.maxLatenessSeconds', 'must be a whole number of seconds, 1 or more');
  END IF;
  IF options ? 'metadata' AND jsonb_typeof(options -> 'metadata') <> 'object' THEN
    PERFORM carillon_outbox.refuse('options.metadata', 'must be an object of strings');
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.put(command text, payload jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF payload ->> 'id' IS NULL OR payload ->> 'id' !~ '^[A-Za-z0-9_-]{1,128}$' THEN
    PERFORM carillon_outbox.refuse('message_id', 'must be 1 to 128 of A-Z a-z 0-9 _ -');
  END IF;
  IF octet_length(payload::text) > 262144 THEN
    PERFORM carillon_outbox.refuse('message', 'is larger than 256 kB');
  END IF;
  INSERT INTO carillon_outbox.commands (name, message_id, payload) VALUES (command, payload ->> 'id', payload);
  RETURN payload ->> 'id';
END $$;

-- The functions for applications. They run with the rights of their owner: a role needs none on the tables.

CREATE OR REPLACE FUNCTION carillon.schedule_message(
  message_id text, recipient jsonb, content jsonb, due_at timestamptz,
  options jsonb DEFAULT '{}', platform text DEFAULT 'telegram'
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_recipient(platform, recipient);
  PERFORM carillon_outbox.check_content(content);
  PERFORM carillon_outbox.check_options('schedule', options);
  RETURN carillon_outbox.put('schedule', options || jsonb_build_object(
    'id', message_id, 'platform', platform, 'recipient', recipient, 'content', content,
    'dueAt', carillon_outbox.check_time('due_at', due_at)
  ));
END $$;
COMMENT ON FUNCTION carillon.schedule_message(text, jsonb, jsonb, timestamptz, jsonb, text) IS
  'Schedules a message when this transaction commits. The id is yours: the same id and content again is harmless.';

CREATE OR REPLACE FUNCTION carillon.schedule_message(
  message_id text, chat_id text, body text, due_at timestamptz, options jsonb DEFAULT '{}'
) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT carillon.schedule_message(
    message_id, jsonb_build_object('chatId', chat_id), jsonb_build_object('type', 'text', 'text', body), due_at, options
  )
$$;
COMMENT ON FUNCTION carillon.schedule_message(text, text, text, timestamptz, jsonb) IS
  'The short form: a text to a Telegram chat.';

CREATE OR REPLACE FUNCTION carillon.reschedule_message(message_id text, due_at timestamptz, options jsonb DEFAULT '{}')
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_options('reschedule', options);
  IF options ? 'content' THEN PERFORM carillon_outbox.check_content(options -> 'content'); END IF;
  RETURN carillon_outbox.put('reschedule', options || jsonb_build_object(
    'id', message_id, 'dueAt', carillon_outbox.check_time('due_at', due_at)
  ));
END $$;
COMMENT ON FUNCTION carillon.reschedule_message(text, timestamptz, jsonb) IS
  'Moves a waiting message, and changes it if asked. Too late is told in carillon.refusals.';

CREATE OR REPLACE FUNCTION carillon.cancel_message(message_id text, reason text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF char_length(reason) NOT BETWEEN 1 AND 512 THEN
    PERFORM carillon_outbox.refuse('reason', 'must have 1 to 512 characters');
  END IF;
  RETURN carillon_outbox.put('cancel', jsonb_strip_nulls(jsonb_build_object('id', message_id, 'reason', reason)));
END $$;
COMMENT ON FUNCTION carillon.cancel_message(text, text) IS
  'Cancels a waiting message. Too late is told in carillon.refusals.';

-- A time without a zone is another instant in each session: it is not cast in silence. What is written as text without a
-- type is still a timestamptz. They only refuse, so whoever may see the schema may call them: also roles that were told
-- what they may before these stood here.
DO $do$
DECLARE
  unzoned text;
  signature text;
BEGIN
  FOREACH unzoned IN ARRAY ARRAY['timestamp', 'date'] LOOP
    FOREACH signature IN ARRAY ARRAY[
      $$schedule_message(message_id text, recipient jsonb, content jsonb, due_at %s,
        options jsonb DEFAULT '{}', platform text DEFAULT 'telegram')$$,
      $$schedule_message(message_id text, chat_id text, body text, due_at %s, options jsonb DEFAULT '{}')$$,
      $$reschedule_message(message_id text, due_at %s, options jsonb DEFAULT '{}')$$
    ] LOOP
      EXECUTE format('CREATE OR REPLACE FUNCTION carillon.' || signature, unzoned) || $$
        RETURNS text LANGUAGE plpgsql AS $body$
        BEGIN
          RAISE EXCEPTION 'carillon: due_at has no time zone: give a timestamptz, as of carillon.at_local_time(…, ''Europe/Berlin'')'
            USING ERRCODE = 'invalid_parameter_value';
        END $body$ $$;
    END LOOP;
  END LOOP;
END $do$;

-- Postgres itself takes a local time that a change of the clock skips, or has twice, for another one than Carillon does.
CREATE OR REPLACE FUNCTION carillon.at_local_time(local timestamp, time_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  utc timestamptz := local AT TIME ZONE 'UTC';
  one timestamptz := utc - (((utc - interval '1 day') AT TIME ZONE time_zone) - ((utc - interval '1 day') AT TIME ZONE 'UTC'));
  other timestamptz := utc - (((utc + interval '1 day') AT TIME ZONE time_zone) - ((utc + interval '1 day') AT TIME ZONE 'UTC'));
  early timestamptz := least(one, other);
  late timestamptz := greatest(one, other);
  middle timestamptz;
BEGIN
  IF early AT TIME ZONE time_zone = local THEN RETURN early; END IF;
  IF late AT TIME ZONE time_zone = local THEN RETURN late; END IF;
  WHILE late - early > interval '1 second' LOOP
    middle := early + date_trunc('second', (late - early) / 2);
    IF middle AT TIME ZONE time_zone > local THEN late := middle; ELSE early := middle; END IF;
  END LOOP;
  RETURN date_trunc('second', late);
END $$;
COMMENT ON FUNCTION carillon.at_local_time(timestamp, text) IS
  'The instant of a local time: the first one after a gap of the clock, the first of two.';

-- Nobody may use any of it until told: GRANT USAGE ON SCHEMA carillon TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA
-- carillon TO app; GRANT SELECT ON carillon.refusals TO app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA carillon_outbox FROM PUBLIC;
REVOKE ALL ON FUNCTION
  carillon.schedule_message(text, jsonb, jsonb, timestamptz, jsonb, text),
  carillon.schedule_message(text, text, text, timestamptz, jsonb),
  carillon.reschedule_message(text, timestamptz, jsonb),
  carillon.cancel_message(text, text),
  carillon.at_local_time(timestamp, text)
FROM PUBLIC;
