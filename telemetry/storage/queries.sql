-- ---- hours and days ----

-- machines_due: The machines whose hours are to be reckoned anew.
SELECT DISTINCT machine_id FROM telemetry.rollup_due ORDER BY machine_id

-- take_due: What of a machine's hours is to be reckoned anew; whoever takes it does so.
DELETE FROM telemetry.rollup_due WHERE machine_id = %(machine_id)s RETURNING from_at, until_at

-- put_back_due: What of a machine's hours is left for later.
INSERT INTO telemetry.rollup_due (machine_id, from_at, until_at) VALUES (%(machine_id)s, %(since)s, %(until)s)
ON CONFLICT DO NOTHING

-- speakers: The channels that spoke for a machine within a stretch, and by how much their clocks were ever wrong.
SELECT DISTINCT c.id, c.name, c.device_id,
       (SELECT coalesce(max(abs(offset_seconds)), 0) FROM telemetry.clock_correction WHERE device_id = b.device_id)
FROM telemetry.binding b JOIN telemetry.channel c ON c.device_id = b.device_id
WHERE b.machine_id = %(machine_id)s AND b.bound && tstzrange(%(since)s, %(until)s)
ORDER BY c.device_id, c.name

-- extent: When a channel first and last reported within a stretch of its device's time.
SELECT (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
        ORDER BY at, tie LIMIT 1),
       (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
        ORDER BY at DESC, tie DESC LIMIT 1)

-- drop_hours: The hours of a machine within a stretch go.
DELETE FROM telemetry.rollup_hour WHERE machine_id = %(machine_id)s AND at >= %(since)s AND at < %(until)s

-- add_hours: Enter the hours of a channel in a stretch of true time; a number holds until the next, for a while at most.
INSERT INTO telemetry.rollup_hour (machine_id, channel_id, at, readings, numbers, lowest, highest, total, held_seconds,
    held_total, rise, first_value, last_value, last_text, last_at)
SELECT %(machine_id)s, %(channel_id)s, hour, count(*), count(value), min(value), max(value), sum(value),
       coalesce(sum(held) FILTER (WHERE value IS NOT NULL), 0), sum(value * held),
       coalesce(sum(CASE WHEN value < before THEN value ELSE value - before END), 0),
       (array_agg(value ORDER BY at, tie) FILTER (WHERE value IS NOT NULL))[1],
       (array_agg(value ORDER BY at DESC, tie DESC) FILTER (WHERE value IS NOT NULL))[1],
       (array_agg(text ORDER BY at DESC, tie DESC) FILTER (WHERE text IS NOT NULL))[1], max(at)
FROM (
    SELECT hour, at, tie, value, text, lag(value) OVER of_hour AS before,
           extract(epoch FROM least(lead(at) OVER of_hour, hour + interval '1 hour', at + %(hold)s) - at)::float8 AS held
    FROM (
        SELECT date_trunc('hour', r.at + shift, %(zone)s) AS hour, r.at + shift AS at, r.tie, r.value, r.text
        FROM telemetry.reading r
        LEFT JOIN telemetry.clock_correction k ON k.device_id = %(device_id)s AND k.during @> r.at
        CROSS JOIN LATERAL make_interval(secs => coalesce(k.offset_seconds, 0)) AS shift
        JOIN telemetry.binding b
            ON b.device_id = %(device_id)s AND b.machine_id = %(machine_id)s AND b.bound @> r.at + shift
        WHERE r.channel_id = %(channel_id)s AND r.at >= %(first)s AND r.at < %(last)s
          AND r.at + shift >= %(since)s AND r.at + shift < %(until)s
          AND (r.value IS NULL OR r.value > '-Infinity' AND r.value < 'Infinity')
    ) AS true_time
    WINDOW of_hour AS (PARTITION BY hour ORDER BY at, tie)
) AS readings
GROUP BY hour

-- ---- letting go ----

-- closed_until: Until when everything is closed; null before the first close.
SELECT until FROM telemetry.closed

-- forget: From now on nothing before this moment is read any more.
INSERT INTO telemetry.forgotten (until_at) VALUES (%(until)s) ON CONFLICT DO NOTHING

-- lock_derivations: Wait until no machine is being derived, and keep others out until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('telemetry.derive'), hashtext(id)) FROM coop.machine ORDER BY id

-- keep_knowledge: Let derivation begin anew at this moment, for each machine of which anything is known from before.
INSERT INTO telemetry.checkpoint (machine_id, at, carry)
SELECT f.machine_id, date_trunc('hour', %(until)s::timestamptz, 'UTC'), coalesce(following.carry, f.carry)
FROM telemetry.frontier f
LEFT JOIN LATERAL (SELECT carry FROM telemetry.checkpoint
                   WHERE machine_id = f.machine_id AND at >= date_trunc('hour', %(until)s::timestamptz, 'UTC')
                   ORDER BY at LIMIT 1) AS following ON true
WHERE EXISTS (SELECT FROM telemetry.state_interval WHERE machine_id = f.machine_id AND started_at < %(until)s)
ON CONFLICT DO NOTHING

-- knowledge_kept: The last place before which nothing is derived any more; null: nothing of this machine was let go.
SELECT max(c.at) FROM telemetry.checkpoint c JOIN telemetry.forgotten f ON c.at = date_trunc('hour', f.until_at, 'UTC')
WHERE c.machine_id = %(machine_id)s

-- forgotten_until: Until when readings were let go, or are about to be.
SELECT max(until_at) FROM telemetry.forgotten

-- channel_ids: All channels.
SELECT id FROM telemetry.channel ORDER BY id

-- drop_chunks: The chunks that end before a moment go; returns how many.
SELECT telemetry.drop_reading_chunks(%(before)s)

-- delete_some: Some of a channel's readings from before a moment go; never one of a month that is not closed.
DELETE FROM telemetry.reading WHERE (channel_id, at, tie) IN (
    SELECT channel_id, at, tie FROM telemetry.reading
    WHERE channel_id = %(channel_id)s AND at < %(before)s AND at < (SELECT until FROM telemetry.closed)
    ORDER BY at, tie LIMIT %(limit)s)

-- ---- files ----

-- readings_of: Copy a channel's readings of a stretch out in true time, the times in microseconds since 1970.
COPY (
    SELECT (extract(epoch FROM r.at + shift) * 1000000)::bigint, (extract(epoch FROM r.at) * 1000000)::bigint,
           (extract(epoch FROM r.received_at) * 1000000)::bigint, r.value, r.text
    FROM telemetry.reading r
    LEFT JOIN telemetry.clock_correction k ON k.device_id = %(device_id)s AND k.during @> r.at
    CROSS JOIN LATERAL make_interval(secs => coalesce(k.offset_seconds, 0)) AS shift
    JOIN telemetry.binding b
        ON b.device_id = %(device_id)s AND b.machine_id = %(machine_id)s AND b.bound @> r.at + shift
    WHERE r.channel_id = %(channel_id)s AND r.at >= %(first)s AND r.at < %(last)s
      AND r.at + shift >= %(since)s AND r.at + shift < %(until)s
    ORDER BY r.at, r.tie
) TO STDOUT (FORMAT csv)
