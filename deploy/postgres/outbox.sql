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

CREATE TABLE IF NOT EXISTS carillon_outbox.looked (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  at timestamptz
);
INSERT INTO carillon_outbox.looked DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE carillon_outbox.looked IS 'When a table bridge last looked for commands and could publish them; noted every ten seconds.';

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

-- What a field may be. Nothing is said of one that is left out; null is a value, and none that fits.
CREATE OR REPLACE FUNCTION carillon_outbox.check_text(path text, value jsonb, pattern text, problem text, longest integer DEFAULT 40000)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) <> 'string' OR value #>> '{}' !~ pattern OR char_length(value #>> '{}') > longest THEN
    PERFORM carillon_outbox.refuse(path, problem);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_words(path text, value jsonb, longest integer)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_text(path, value, '', 'must be a string of 1 to ' || longest || ' characters', longest);
  PERFORM carillon_outbox.check_text(path, value,
    '[^\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]', 'must not be blank');
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_one_of(path text, value jsonb, words text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) <> 'string' OR value #>> '{}' <> ALL (words) THEN
    PERFORM carillon_outbox.refuse(path, 'must be one of ' || array_to_string(words, ', '));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_number(path text, value jsonb, lowest numeric, highest numeric, whole boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- One after the other: what is no number cannot be cast.
  IF jsonb_typeof(value) = 'number' THEN
    IF value::numeric BETWEEN lowest AND highest AND (NOT whole OR value::numeric % 1 = 0) THEN RETURN; END IF;
  END IF;
  IF value IS NOT NULL THEN
    PERFORM carillon_outbox.refuse(path,
      format('must be a %s from %s to %s', CASE WHEN whole THEN 'whole number' ELSE 'number' END, lowest, highest));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_flag(path text, value jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) <> 'boolean' THEN PERFORM carillon_outbox.refuse(path, 'must be true or false'); END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_list(path text, value jsonb, lowest integer, highest integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) = 'array' THEN
    IF jsonb_array_length(value) BETWEEN lowest AND highest THEN RETURN; END IF;
  END IF;
  IF value IS NOT NULL THEN PERFORM carillon_outbox.refuse(path, format('must be a list of %s to %s', lowest, highest)); END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_fields(path text, value jsonb, needed text[], others text[] DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) = 'object' THEN
    IF value ?& needed AND value - needed - others = '{}' THEN RETURN; END IF;
  END IF;
  PERFORM carillon_outbox.refuse(path, 'must be an object' || CASE
    WHEN needed = '{}' THEN ' that has only ' || array_to_string(others, ', ')
    ELSE ' with ' || array_to_string(needed, ', ')
      || CASE WHEN others = '{}' THEN ' only' ELSE ', and else only ' || array_to_string(others, ', ') END END);
END $$;

-- An object that says one thing, in one of several ways.
CREATE OR REPLACE FUNCTION carillon_outbox.check_either(path text, value jsonb, ways text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) = 'object' THEN
    IF value ?| ways AND (SELECT count(*) FROM jsonb_object_keys(value)) = 1 THEN RETURN; END IF;
  END IF;
  PERFORM carillon_outbox.refuse(path, 'must be an object with '
    || CASE WHEN cardinality(ways) > 1 THEN 'exactly one of ' ELSE '' END || array_to_string(ways, ', '));
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_file(path text, content jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  file jsonb := content -> 'file';
BEGIN
  PERFORM carillon_outbox.check_either(path || '.file', file, ARRAY['url', 'fileId', 'object']);
  PERFORM carillon_outbox.check_text(path || '.file.url', file -> 'url', '^https://[!-~]+$', 'must be an address with https://', 2008);
  PERFORM carillon_outbox.check_text(path || '.file.fileId', file -> 'fileId', '^[A-Za-z0-9_-]+$',
    'must be a file id as the platform gave it', 256);
  PERFORM carillon_outbox.check_text(path || '.file.object', file -> 'object', '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
    'must be 1 to 128 of A-Z a-z 0-9 . _ -');
  PERFORM carillon_outbox.check_text(path || '.name', content -> 'name',
    '^[^\u0001-\u001f\u007f-\u009f\u2028\u2029"*/:;<>?\\|]{1,100}$',
    'must be a file name of at most 100 characters, without " * / : ; < > ? \ |');
  PERFORM carillon_outbox.check_words(path || '.name', content -> 'name', 100);
  PERFORM carillon_outbox.check_words(path || '.caption', content -> 'caption', 4096);
  PERFORM carillon_outbox.check_one_of(path || '.format', content -> 'format', ARRAY['plain', 'markdown', 'html']);
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_buttons(path text, rows jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  place text;
  one record;
  button record;
BEGIN
  IF rows IS NULL THEN RETURN; END IF;
  PERFORM carillon_outbox.check_list(path, rows, 1, 12);
  FOR one IN SELECT value, ordinality - 1 AS at FROM jsonb_array_elements(rows) WITH ORDINALITY LOOP
    PERFORM carillon_outbox.check_list(path || '.' || one.at, one.value, 1, 8);
    FOR button IN SELECT value, ordinality - 1 AS at FROM jsonb_array_elements(one.value) WITH ORDINALITY LOOP
      place := format('%s.%s.%s', path, one.at, button.at);
      PERFORM carillon_outbox.check_fields(place, button.value, ARRAY['text'], ARRAY['url', 'reply']);
      PERFORM carillon_outbox.check_either(place, button.value - 'text', ARRAY['url', 'reply']);
      PERFORM carillon_outbox.check_words(place || '.text', button.value -> 'text', 64);
      PERFORM carillon_outbox.check_text(place || '.url', button.value -> 'url', '^(https?|tg)://[!-~]+$',
        'must begin with https://, http:// or tg://', 2008);
      PERFORM carillon_outbox.check_text(place || '.reply', button.value -> 'reply', '^[A-Za-z0-9_-]{1,40}$',
        'must be 1 to 40 of A-Z a-z 0-9 _ -');
    END LOOP;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_content(path text, content jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind text := CASE WHEN jsonb_typeof(content -> 'type') = 'string' THEN content ->> 'type' END;
  shown text[] := ARRAY['silent', 'protect', 'topic', 'replyTo', 'buttons'];
  item record;
BEGIN
  CASE
    WHEN kind = 'text' THEN
      PERFORM carillon_outbox.check_fields(path, content, ARRAY['type', 'text'], ARRAY['format', 'tooLong', 'linkPreview'] || shown);
      PERFORM carillon_outbox.check_words(path || '.text', content -> 'text', 32768);
      PERFORM carillon_outbox.check_one_of(path || '.format', content -> 'format', ARRAY['plain', 'markdown', 'html']);
      PERFORM carillon_outbox.check_one_of(path || '.tooLong', content -> 'tooLong', ARRAY['split', 'refuse']);
      PERFORM carillon_outbox.check_flag(path || '.linkPreview', content -> 'linkPreview');
    WHEN kind IN ('photo', 'document', 'audio', 'video', 'voice', 'animation') THEN
      PERFORM carillon_outbox.check_fields(path, content, ARRAY['type', 'file'], ARRAY['name', 'caption', 'format'] || shown);
      PERFORM carillon_outbox.check_file(path, content);
    WHEN kind = 'location' THEN
      PERFORM carillon_outbox.check_fields(path, content, ARRAY['type', 'latitude', 'longitude'], shown);
      PERFORM carillon_outbox.check_number(path || '.latitude', content -> 'latitude', -90, 90, false);
      PERFORM carillon_outbox.check_number(path || '.longitude', content -> 'longitude', -180, 180, false);
    WHEN kind = 'album' THEN
      PERFORM carillon_outbox.check_fields(path, content, ARRAY['type', 'items'], array_remove(shown, 'buttons'));
      PERFORM carillon_outbox.check_list(path || '.items', content -> 'items', 2, 10);
      FOR item IN
        SELECT value, path || '.items.' || ordinality - 1 AS at FROM jsonb_array_elements(content -> 'items') WITH ORDINALITY
      LOOP
        PERFORM carillon_outbox.check_fields(item.at, item.value, ARRAY['type', 'file'], ARRAY['name', 'caption', 'format']);
        PERFORM carillon_outbox.check_one_of(item.at || '.type', item.value -> 'type', ARRAY['photo', 'video', 'document', 'audio']);
        PERFORM carillon_outbox.check_file(item.at, item.value);
      END LOOP;
    ELSE
      PERFORM carillon_outbox.refuse(path, 'must be an object with a type, for example {"type": "text", "text": "…"}: '
        || 'text, photo, document, audio, video, voice, animation, album or location');
  END CASE;
  PERFORM carillon_outbox.check_flag(path || '.silent', content -> 'silent');
  PERFORM carillon_outbox.check_flag(path || '.protect', content -> 'protect');
  PERFORM carillon_outbox.check_number(path || '.topic', content -> 'topic', 1, 2147483647, true);
  PERFORM carillon_outbox.check_text(path || '.replyTo', content -> 'replyTo', '^[1-9][0-9]{0,14}$',
    'must be the id of a message in the same chat, in digits');
  PERFORM carillon_outbox.check_buttons(path || '.buttons', content -> 'buttons');
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_recipient(path text, platform text, recipient jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_either(path, recipient,
    CASE platform WHEN 'webhook' THEN ARRAY['url'] ELSE ARRAY['chatId', 'contact'] END);
  PERFORM carillon_outbox.check_text(path || '.chatId', recipient -> 'chatId', '^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$',
    'must be a string: a Telegram chat id (digits, groups with a leading -) or @channelname. A recipient in JSON is given as jsonb');
  PERFORM carillon_outbox.check_text(path || '.contact', recipient -> 'contact', '^[A-Za-z0-9_-]{1,64}$',
    'must be 1 to 64 of A-Z a-z 0-9 _ -');
  PERFORM carillon_outbox.check_text(path || '.url', recipient -> 'url', '^https?://[!-~]+$',
    'must be an address with https:// or http://', 2008);
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_platform(path text, platform text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF platform IS NULL OR platform <> ALL (carillon_outbox.platform_names()) THEN
    PERFORM carillon_outbox.refuse(path, 'must be one of ' || array_to_string(carillon_outbox.platform_names(), ', '));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_sender(path text, sender jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_text(path, sender, '^[a-z0-9][a-z0-9-]{0,31}$', 'must be 1 to 32 of a-z 0-9 -');
END $$;

-- An instant, not before the message is due. A local time has no zone here.
CREATE OR REPLACE FUNCTION carillon_outbox.check_deadline(path text, value jsonb, due timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  deadline timestamptz;
BEGIN
  IF value IS NULL THEN RETURN; END IF;
  PERFORM carillon_outbox.check_text(path, value,
    '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:[0-5]\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$', 'must be an instant like 2026-12-01T09:00:00Z');
  BEGIN
    deadline := (value #>> '{}')::timestamptz;
  EXCEPTION WHEN data_exception THEN
    PERFORM carillon_outbox.refuse(path, 'is no time that there is');
  END;
  IF deadline < timestamptz '1970-01-01 00:00:00Z' THEN PERFORM carillon_outbox.refuse(path, 'is before 1970'); END IF;
  IF deadline <= due - interval '1 millisecond' THEN PERFORM carillon_outbox.refuse(path, 'is before due_at'); END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_metadata(path text, metadata jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one record;
BEGIN
  IF metadata IS NULL THEN RETURN; END IF;
  IF jsonb_typeof(metadata) <> 'object' THEN PERFORM carillon_outbox.refuse(path, 'must be an object of strings'); END IF;
  IF (SELECT count(*) FROM jsonb_object_keys(metadata)) > 32 THEN PERFORM carillon_outbox.refuse(path, 'has more than 32 fields'); END IF;
  FOR one IN SELECT key, value FROM jsonb_each(metadata) LOOP
    IF one.key !~ '^[A-Za-z0-9_.-]{1,64}$' THEN
      PERFORM carillon_outbox.refuse(path, 'must have keys of 1 to 64 of A-Z a-z 0-9 _ . -');
    END IF;
    PERFORM carillon_outbox.check_text(path, one.value, '', 'must be an object of strings of at most 512 characters', 512);
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_retry(path text, retry jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tier record;
  tries numeric := 0;
BEGIN
  IF retry IS NULL THEN RETURN; END IF;
  PERFORM carillon_outbox.check_list(path, retry, 0, 5);
  FOR tier IN SELECT value, path || '.' || ordinality - 1 AS at FROM jsonb_array_elements(retry) WITH ORDINALITY LOOP
    PERFORM carillon_outbox.check_fields(tier.at, tier.value, ARRAY['attempts', 'seconds']);
    PERFORM carillon_outbox.check_number(tier.at || '.attempts', tier.value -> 'attempts', 0, 100, true);
    PERFORM carillon_outbox.check_number(tier.at || '.seconds', tier.value -> 'seconds',
      CASE WHEN (tier.value -> 'attempts')::numeric > 0 THEN 0.1 ELSE 0 END, 86400, false);
    tries := tries + (tier.value -> 'attempts')::numeric;
  END LOOP;
  IF tries > 100 THEN PERFORM carillon_outbox.refuse(path, 'must have at most 100 tries'); END IF;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_fallback(path text, fallback jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  channel record;
BEGIN
  IF fallback IS NULL THEN RETURN; END IF;
  PERFORM carillon_outbox.check_list(path, fallback, 0, 5);
  FOR channel IN SELECT value, path || '.' || ordinality - 1 AS at FROM jsonb_array_elements(fallback) WITH ORDINALITY LOOP
    PERFORM carillon_outbox.check_fields(channel.at, channel.value, ARRAY['platform', 'recipient'], ARRAY['sender', 'content']);
    PERFORM carillon_outbox.check_platform(channel.at || '.platform', channel.value ->> 'platform');
    PERFORM carillon_outbox.check_recipient(channel.at || '.recipient', channel.value ->> 'platform', channel.value -> 'recipient');
    PERFORM carillon_outbox.check_sender(channel.at || '.sender', channel.value -> 'sender');
    IF channel.value ? 'content' THEN PERFORM carillon_outbox.check_content(channel.at || '.content', channel.value -> 'content'); END IF;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION carillon_outbox.check_options(command text, options jsonb, due timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_fields('options', options, '{}', carillon_outbox.option_names(command));
  IF options ?& ARRAY['expiresAt', 'maxLatenessSeconds'] THEN
    PERFORM carillon_outbox.refuse('options', 'give expiresAt or maxLatenessSeconds, not both');
  END IF;
  PERFORM carillon_outbox.check_deadline('options.expiresAt', options -> 'expiresAt', due);
  PERFORM carillon_outbox.check_number('options.maxLatenessSeconds', options -> 'maxLatenessSeconds', 1, 31536000, true);
  PERFORM carillon_outbox.check_one_of('options.priority', options -> 'priority', ARRAY['urgent', 'normal', 'bulk']);
  PERFORM carillon_outbox.check_one_of('options.unknownOutcome', options -> 'unknownOutcome', ARRAY['resend', 'hold']);
  PERFORM carillon_outbox.check_sender('options.sender', options -> 'sender');
  PERFORM carillon_outbox.check_text('options.kind', options -> 'kind', '^[a-z0-9][a-z0-9_-]{0,31}$', 'must be 1 to 32 of a-z 0-9 _ -');
  PERFORM carillon_outbox.check_text('options.reason', options -> 'reason', '^.+$', 'must be a string of 1 to 512 characters', 512);
  PERFORM carillon_outbox.check_metadata('options.metadata', options -> 'metadata');
  PERFORM carillon_outbox.check_retry('options.retry', options -> 'retry');
  PERFORM carillon_outbox.check_fallback('options.fallback', options -> 'fallback');
  IF options ? 'content' THEN PERFORM carillon_outbox.check_content('options.content', options -> 'content'); END IF;
END $$;

-- Of an older version of this file.
DROP FUNCTION IF EXISTS carillon_outbox.check_content(jsonb), carillon_outbox.check_recipient(text, jsonb),
  carillon_outbox.check_options(text, jsonb);

-- Once in a transaction: what is scheduled is safe here, but nobody fetches it.
CREATE OR REPLACE FUNCTION carillon_outbox.warn_if_unwatched() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('carillon.warned', true) = 'yes' THEN RETURN; END IF;
  IF EXISTS (SELECT FROM carillon_outbox.looked WHERE at > clock_timestamp() - interval '3 minutes') THEN RETURN; END IF;
  PERFORM set_config('carillon.warned', 'yes', true);
  RAISE WARNING 'carillon: no table bridge has fetched from this outbox for three minutes or more: nothing is sent until one does';
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
  PERFORM carillon_outbox.warn_if_unwatched();
  RETURN payload ->> 'id';
END $$;

-- The functions for applications. They run with the rights of their owner: a role needs none on the tables.

CREATE OR REPLACE FUNCTION carillon.schedule_message(
  message_id text, recipient jsonb, content jsonb, due_at timestamptz,
  options jsonb DEFAULT '{}', platform text DEFAULT 'telegram'
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM carillon_outbox.check_platform('platform', platform);
  PERFORM carillon_outbox.check_recipient('recipient', platform, recipient);
  PERFORM carillon_outbox.check_content('content', content);
  PERFORM carillon_outbox.check_options('schedule', options, due_at);
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
  PERFORM carillon_outbox.check_options('reschedule', options, due_at);
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
