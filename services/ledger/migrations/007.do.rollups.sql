-- Trends: sums by hour and by day, which outlive the records they are sums of.

-- A ledger of an earlier version would go on without counting: its place is taken from it, here and before anything is
-- counted, and the ledger that runs this goes on from there.
UPDATE projection_checkpoints SET position = position - 1 WHERE position > 0;

ALTER TABLE scheduled_messages ADD COLUMN cost_units integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN scheduled_messages.cost_units IS
  'What platforms may charge for: one for each part that one of them accepted, however often the message was sent.';

UPDATE scheduled_messages SET cost_units = accepted.count
FROM (
  SELECT message_id, count(*) FROM message_events WHERE type IN ('sent', 'part-sent') GROUP BY message_id
) accepted WHERE accepted.message_id = id;

CREATE FUNCTION add_counts(one integer[], other integer[]) RETURNS integer[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(
    SELECT coalesce(a, 0) + coalesce(b, 0) FROM unnest(one, other) WITH ORDINALITY AS counts(a, b, place) ORDER BY place
  )
$$;

COMMENT ON FUNCTION add_counts IS 'Adds each to the one at its place; a shorter list is filled up with nothing.';

CREATE AGGREGATE sum_counts(integer[]) (SFUNC = add_counts, STYPE = integer[], INITCOND = '{}', PARALLEL = SAFE);

CREATE FUNCTION lateness_bounds() RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY[
    1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 23, 27, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152, 181, 215, 256,
    304, 362, 431, 512, 609, 724, 861, 1024, 1218, 1448, 1722, 2048, 2435, 2896, 3444, 4096, 4871, 5793, 6889, 8192,
    9742, 11585, 13777, 16384, 19484, 23170, 27554, 32768, 38968, 46341, 55109, 65536, 77936, 92682, 110218, 131072,
    155872, 185364, 220436, 262144, 311744, 370728, 440872, 524288, 623487, 741455, 881744, 1048576, 1246974,
    1482910, 1763488, 2097152, 2493948, 2965821, 3526975, 4194304, 4987896, 5931642, 7053950, 8388608, 9975792,
    11863283, 14107901, 16777216, 19951585, 23726566, 28215802, 33554432, 39903169, 47453133, 56431603, 67108864,
    79806339, 94906266, 112863206, 134217728, 159612677, 189812531, 225726413, 268435456, 319225354, 379625062,
    451452825, 536870912, 638450708, 759250125, 902905651, 1073741824
  ]::bigint[]
$$;

COMMENT ON FUNCTION lateness_bounds IS
  'Milliseconds: where each bucket of lateness begins, but the first, which holds what was not late.';

CREATE FUNCTION lateness_percentile(counts integer[], share double precision) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
      WHEN place = 1 THEN 0
      WHEN bounds[place] IS NULL THEN bounds[place - 1]
      ELSE sqrt(bounds[place - 1]::double precision * (bounds[place] - 1))
    END / 1000
  FROM (
    SELECT place, sum(count) OVER (ORDER BY place) AS up_to, (sum(count) OVER ())::double precision AS total
    FROM unnest(counts) WITH ORDINALITY AS buckets(count, place)
  ) summed, (SELECT ARRAY[
    1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 23, 27, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152, 181, 215, 256,
    304, 362, 431, 512, 609, 724, 861, 1024, 1218, 1448, 1722, 2048, 2435, 2896, 3444, 4096, 4871, 5793, 6889, 8192,
    9742, 11585, 13777, 16384, 19484, 23170, 27554, 32768, 38968, 46341, 55109, 65536, 77936, 92682, 110218, 131072,
    155872, 185364, 220436, 262144, 311744, 370728, 440872, 524288, 623487, 741455, 881744, 1048576, 1246974,
    1482910, 1763488, 2097152, 2493948, 2965821, 3526975, 4194304, 4987896, 5931642, 7053950, 8388608, 9975792,
    11863283, 14107901, 16777216, 19951585, 23726566, 28215802, 33554432, 39903169, 47453133, 56431603, 67108864,
    79806339, 94906266, 112863206, 134217728, 159612677, 189812531, 225726413, 268435456, 319225354, 379625062,
    451452825, 536870912, 638450708, 759250125, 902905651, 1073741824
  ]::bigint[] AS bounds) known
  WHERE total > 0 AND up_to >= ceil(share * total) ORDER BY place LIMIT 1
$$;

COMMENT ON FUNCTION lateness_percentile IS 'Seconds; off by at most a tenth. Null if nothing was sent.';

CREATE TABLE message_rollups_hourly (
  bucket timestamptz NOT NULL,
  platform text NOT NULL,
  sender text NOT NULL,
  kind text NOT NULL,
  category text NOT NULL,
  due integer NOT NULL,
  sent integer NOT NULL,
  failed integer NOT NULL,
  expired integer NOT NULL,
  unknown integer NOT NULL,
  cancelled integer NOT NULL,
  retries integer NOT NULL,
  possible_duplicates integer NOT NULL,
  cost_units integer NOT NULL,
  lateness integer[] NOT NULL,
  PRIMARY KEY (bucket, platform, sender, kind, category)
);

COMMENT ON TABLE message_rollups_hourly IS 'Sums over the messages due in each hour, by what they are. Kept when the messages are not.';
COMMENT ON COLUMN message_rollups_hourly.bucket IS 'When the hour begins: that of due_at, whenever the message was sent.';
COMMENT ON COLUMN message_rollups_hourly.platform IS 'Of these four, what is not known is empty.';
COMMENT ON COLUMN message_rollups_hourly.sender IS 'See scheduled_messages.sender.';
COMMENT ON COLUMN message_rollups_hourly.kind IS 'See scheduled_messages.kind.';
COMMENT ON COLUMN message_rollups_hourly.category IS 'Of the latest failure, as long as it explains the status: see scheduled_messages.error_category.';
COMMENT ON COLUMN message_rollups_hourly.due IS 'All messages; those neither sent, failed, expired, unknown nor cancelled are still open.';
COMMENT ON COLUMN message_rollups_hourly.sent IS 'Delivered and read ones too.';
COMMENT ON COLUMN message_rollups_hourly.failed IS 'Given up.';
COMMENT ON COLUMN message_rollups_hourly.expired IS 'Too late to be sent.';
COMMENT ON COLUMN message_rollups_hourly.unknown IS 'May or may not have arrived.';
COMMENT ON COLUMN message_rollups_hourly.cancelled IS 'Not sent, as asked.';
COMMENT ON COLUMN message_rollups_hourly.retries IS 'Sends begun beyond the first of each message.';
COMMENT ON COLUMN message_rollups_hourly.possible_duplicates IS 'Messages that the recipient may have more than once.';
COMMENT ON COLUMN message_rollups_hourly.cost_units IS 'See scheduled_messages.cost_units.';
COMMENT ON COLUMN message_rollups_hourly.lateness IS 'How many were sent how late: counts by the buckets of lateness_bounds(). Add them with sum_counts, read them with lateness_percentile.';

CREATE TABLE message_rollups_daily (LIKE message_rollups_hourly INCLUDING ALL);

COMMENT ON TABLE message_rollups_daily IS 'The same for each day, of UTC.';

INSERT INTO message_rollups_hourly
SELECT bucket, platform, sender, kind, category, count(*), count(*) FILTER (WHERE arrived),
  count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'expired'),
  count(*) FILTER (WHERE status = 'unknown'), count(*) FILTER (WHERE status = 'cancelled'),
  sum(greatest(attempts - 1, 0)), count(*) FILTER (WHERE possible_duplicate), sum(cost_units),
  ARRAY(
    SELECT count(late) FROM generate_series(0, max(place)) AS each (number)
    LEFT JOIN unnest(array_agg(place)) AS late ON late = number GROUP BY number ORDER BY number
  )
FROM (
  SELECT *, date_trunc('hour', due_at, 'UTC') AS bucket, status IN ('sent', 'delivered', 'read') AS arrived,
    CASE WHEN status IN ('sent', 'delivered', 'read') THEN
      width_bucket((extract(epoch FROM sent_at - due_at) * 1000)::bigint, lateness_bounds())
    END AS place
  FROM (
    SELECT due_at, sent_at, status, attempts, possible_duplicate, cost_units, coalesce(platform, '') AS platform,
      coalesce(sender, '') AS sender, coalesce(kind, '') AS kind, coalesce(error_category, '') AS category
    FROM scheduled_messages WHERE due_at IS NOT NULL
  ) messages
) placed
GROUP BY bucket, platform, sender, kind, category;

INSERT INTO message_rollups_daily
SELECT date_trunc('day', bucket, 'UTC'), platform, sender, kind, category, sum(due), sum(sent), sum(failed), sum(expired),
  sum(unknown), sum(cancelled), sum(retries), sum(possible_duplicates), sum(cost_units), sum_counts(lateness)
FROM message_rollups_hourly GROUP BY 1, 2, 3, 4, 5;
