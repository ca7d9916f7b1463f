-- What an ingest transaction writes, and what becomes of what it could not take.

-- stage: Where a connection puts the readings of one batch; empty again after each transaction.
CREATE TEMP TABLE IF NOT EXISTS staged (
    channel_id integer, at timestamptz, tie bigint, value double precision, text text, received_at timestamptz,
    queued boolean
) ON COMMIT DELETE ROWS

-- copy_staged: Put a batch's readings aside, fast.
COPY staged (channel_id, at, tie, value, text, received_at, queued) FROM STDIN (FORMAT binary)

-- take_staged: Enter the staged readings that are new, mark what they change, and count them.
WITH entered AS (
    INSERT INTO telemetry.reading (channel_id, at, tie, value, text, received_at, queued)
    SELECT channel_id, at, tie, value, text, received_at, queued FROM staged ORDER BY channel_id, at, tie
    ON CONFLICT DO NOTHING
    RETURNING channel_id, at
), span AS (
    SELECT c.device_id, min(e.at) AS first_at, max(e.at) AS last_at
    FROM entered e JOIN telemetry.channel c ON c.id = e.channel_id
    GROUP BY c.device_id, date_bin('1 hour', e.at, '2000-01-01Z')
), corrected AS (
    SELECT s.device_id,
           s.first_at + make_interval(secs => least(0, min(k.offset_seconds))) AS first_at,
           s.last_at + make_interval(secs => greatest(0, max(k.offset_seconds))) AS last_at
    FROM span s LEFT JOIN telemetry.clock_correction k
        ON k.device_id = s.device_id AND k.during && tstzrange(s.first_at, s.last_at, '[]')
    GROUP BY s.device_id, s.first_at, s.last_at
), marked AS (
    INSERT INTO telemetry.dirty (machine_id, from_at, until_at)
    SELECT b.machine_id, min(c.first_at), max(c.last_at)
    FROM corrected c JOIN telemetry.binding b
        ON b.device_id = c.device_id AND b.bound && tstzrange(c.first_at, c.last_at, '[]')
    GROUP BY b.machine_id, date_bin('1 hour', c.first_at, '2000-01-01Z')
)
SELECT count(*) FROM entered

-- open_channels: Make the channels that are heard of for the first time, of devices that are known.
INSERT INTO telemetry.channel (device_id, name)
SELECT d.id, heard.name
FROM unnest(%(addresses)s::text[], %(names)s::text[]) AS heard (address, name)
JOIN telemetry.device d ON d.address = heard.address
ORDER BY d.id, heard.name
ON CONFLICT DO NOTHING

-- channels: The ids of channels by address and name.
SELECT d.address, c.name, c.id
FROM unnest(%(addresses)s::text[], %(names)s::text[]) AS heard (address, name)
JOIN telemetry.device d ON d.address = heard.address
JOIN telemetry.channel c ON c.device_id = d.id AND c.name = heard.name

-- deliveries: What was last stored of a client's packet ids, of messages without an identity of their own.
SELECT mid, hash, received_at FROM telemetry.delivery WHERE client = %(client)s AND mid = ANY (%(mids)s)

-- remember_deliveries: Remember messages without an identity of their own by their packet ids.
INSERT INTO telemetry.delivery (client, mid, hash, received_at)
SELECT %(client)s, one.mid, one.hash, one.received_at
FROM unnest(%(mids)s::int[], %(hashes)s::bytea[], %(received)s::timestamptz[]) AS one (mid, hash, received_at)
ON CONFLICT (client, mid) DO UPDATE SET hash = excluded.hash, received_at = excluded.received_at

-- topic_owners: The devices under whose topics these are; a Sparkplug message says its type after the group.
SELECT DISTINCT ON (said.topic) said.topic, d.id
FROM unnest(%(topics)s::text[]) AS said (topic)
JOIN telemetry.device d
    ON (split_part(said.topic, '/', 1) = 'moyai' AND d.address = split_part(said.topic, '/', 3))
    OR starts_with(said.topic || '/', d.topic || '/')
    OR starts_with(regexp_replace(said.topic, '^(spBv1[.]0/[^/]+)/[^/]+/', '\1/') || '/', d.topic || '/')
ORDER BY said.topic, length(d.topic) DESC NULLS LAST

-- count_rejects: Count rejected messages of a device and day; how many there were and how much of them is kept.
INSERT INTO telemetry.reject_day (device_id, day, rejected, kept, kept_bytes, last_at)
VALUES (%(device_id)s, %(day)s, %(rejected)s, 0, 0, %(last_at)s)
ON CONFLICT (device_id, day) DO UPDATE
SET rejected = reject_day.rejected + excluded.rejected, last_at = greatest(reject_day.last_at, excluded.last_at)
RETURNING rejected, kept, kept_bytes

-- fill_reject_day: So much more of a device and day is kept.
UPDATE telemetry.reject_day SET kept = kept + %(kept)s, kept_bytes = kept_bytes + %(kept_bytes)s
WHERE device_id IS NOT DISTINCT FROM %(device_id)s AND day = %(day)s

-- add_reject: Keep a message that could not be taken.
INSERT INTO telemetry.reject (device_id, received_at, topic, reason, detail, payload, payload_bytes, queued)
VALUES (%(device_id)s, %(received_at)s, %(topic)s, %(reason)s, %(detail)s, %(payload)s, %(payload_bytes)s, %(queued)s)

-- drop_old_rejects: Forget messages that nobody replayed in all this time.
DELETE FROM telemetry.reject WHERE received_at < %(before)s

-- rejects: The messages that are kept, newest first, of one device where one is named.
SELECT id, device_id, received_at, topic, reason, detail, payload, payload_bytes FROM telemetry.reject
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(before_id)s::bigint IS NULL OR id < %(before_id)s)
ORDER BY id DESC LIMIT %(limit)s

-- rejected_days: How many messages were rejected, by device and day.
SELECT device_id, day, rejected, kept, last_at FROM telemetry.reject_day WHERE day >= %(since)s
ORDER BY day DESC, device_id NULLS FIRST

-- rejects_to_replay: The next messages that are kept whole and may be understood now, locked; others may replay too.
SELECT id, received_at, topic, payload, queued FROM telemetry.reject
WHERE id > %(after_id)s AND payload_bytes = length(payload) AND reason <> ALL (%(never)s)
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- drop_rejects: These messages were understood after all.
DELETE FROM telemetry.reject WHERE id = ANY (%(ids)s)

-- clear_staged: What was put aside within this transaction is done with.
TRUNCATE staged
