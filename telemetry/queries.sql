-- The intake half: devices, and what an ingest transaction writes.

-- add_device: Enter something that reports.
INSERT INTO telemetry.device (id, address, decoder, added_at) VALUES (%(id)s, %(address)s, %(decoder)s, %(now)s)

-- devices: All devices by id.
SELECT id, address, decoder FROM telemetry.device ORDER BY id

-- end_binding: A device stops speaking for the machine that it has had since before a moment.
UPDATE telemetry.binding SET bound = tstzrange(lower(bound), %(since)s)
WHERE device_id = %(device_id)s AND bound @> %(since)s::timestamptz AND upper_inf(bound) AND lower(bound) < %(since)s
RETURNING machine_id

-- add_binding: A device speaks for a machine from a moment on.
INSERT INTO telemetry.binding (device_id, machine_id, bound)
VALUES (%(device_id)s, %(machine_id)s, tstzrange(%(since)s, NULL))

-- add_clock_correction: A person confirms by how much a device's clock was wrong, and when.
INSERT INTO telemetry.clock_correction (device_id, during, offset_seconds, confirmed_by, confirmed_at)
VALUES (%(device_id)s, tstzrange(%(start)s, %(end)s), %(offset_seconds)s, %(confirmed_by)s, %(now)s)

-- stage: Where a connection puts the readings of one batch; empty again after each transaction.
CREATE TEMP TABLE IF NOT EXISTS staged (
    channel_id integer, at timestamptz, tie bigint, value double precision, text text, received_at timestamptz
) ON COMMIT DELETE ROWS

-- copy_staged: Put a batch's readings aside, fast.
COPY staged (channel_id, at, tie, value, text, received_at) FROM STDIN (FORMAT binary)

-- take_staged: Enter the staged readings that are new, mark what they change, and count them.
WITH entered AS (
    INSERT INTO telemetry.reading (channel_id, at, tie, value, text, received_at)
    SELECT channel_id, at, tie, value, text, received_at FROM staged ORDER BY channel_id, at, tie
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

-- add_reject: Keep a message that could not be taken.
INSERT INTO telemetry.reject (received_at, topic, reason, detail, payload, payload_bytes)
VALUES (%(received_at)s, %(topic)s, %(reason)s, %(detail)s, %(payload)s, %(payload_bytes)s)

-- deliveries: What was last stored of a client's packet ids, of messages without an identity of their own.
SELECT mid, hash, received_at FROM telemetry.delivery WHERE client = %(client)s AND mid = ANY (%(mids)s)

-- remember_deliveries: Remember messages without an identity of their own by their packet ids.
INSERT INTO telemetry.delivery (client, mid, hash, received_at)
SELECT %(client)s, one.mid, one.hash, one.received_at
FROM unnest(%(mids)s::int[], %(hashes)s::bytea[], %(received)s::timestamptz[]) AS one (mid, hash, received_at)
ON CONFLICT (client, mid) DO UPDATE SET hash = excluded.hash, received_at = excluded.received_at

-- The derivation half.

-- ---- states and usage ----

-- machines_to_derive: The machines of which something changed since their last derivation.
SELECT DISTINCT machine_id FROM telemetry.dirty ORDER BY machine_id

-- lock_derivation: Wait until nobody else derives this machine, and keep others out until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('telemetry.derive'), hashtext(%(machine_id)s))

-- take_marks: What changed of one machine; whoever takes the marks derives what they cover.
DELETE FROM telemetry.dirty WHERE machine_id = %(machine_id)s RETURNING from_at, until_at

-- state_rules: A machine's rule versions.
SELECT lower(valid), upper(valid), kind, channel, on_watts, off_watts, on_seconds, off_seconds, gap_seconds, bridge_seconds
FROM telemetry.state_rule WHERE machine_id = %(machine_id)s ORDER BY valid

-- add_state_rule: Enter a rule version of a machine from a moment on.
INSERT INTO telemetry.state_rule
    (machine_id, valid, kind, channel, on_watts, off_watts, on_seconds, off_seconds, gap_seconds, bridge_seconds)
VALUES (%(machine_id)s, tstzrange(%(since)s, NULL), %(kind)s, %(channel)s, %(on_watts)s, %(off_watts)s,
    %(on_seconds)s, %(off_seconds)s, %(gap_seconds)s, %(bridge_seconds)s)

-- end_state_rule: The version of a machine's rule that holds at a moment holds until then.
UPDATE telemetry.state_rule SET valid = tstzrange(lower(valid), %(since)s)
WHERE machine_id = %(machine_id)s AND valid @> %(since)s::timestamptz AND upper_inf(valid)
  AND lower(valid) IS DISTINCT FROM %(since)s

-- bounds: The channels that ever spoke for a machine, with the corrections of their clocks.
SELECT b.id, c.id, c.name, lower(b.bound), upper(b.bound), lower(k.during), upper(k.during), k.offset_seconds
FROM telemetry.binding b
JOIN telemetry.channel c ON c.device_id = b.device_id
LEFT JOIN telemetry.clock_correction k ON k.device_id = b.device_id
WHERE b.machine_id = %(machine_id)s
ORDER BY c.id, b.bound, k.during

-- first_and_last_reading: When a channel first and last reported within a stretch of its device's time.
SELECT (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
        ORDER BY at, tie LIMIT 1),
       (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
        ORDER BY at DESC, tie DESC LIMIT 1)

-- numbers: A channel's finite numbers in a stretch of its device's time, in order, packed: a row each would cost ten times as much.
SELECT array_send(array_agg(at ORDER BY at, tie)), array_send(array_agg(value ORDER BY at, tie))
FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
  AND value > '-Infinity' AND value < 'Infinity'

-- words: A channel's texts in a stretch of its device's time, in order.
SELECT at, text FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s AND text IS NOT NULL
ORDER BY at, tie

-- checkpoint_before: The last checkpoint at or before a moment.
SELECT at, carry FROM telemetry.checkpoint WHERE machine_id = %(machine_id)s AND at <= %(at)s ORDER BY at DESC LIMIT 1

-- checkpoints: The checkpoints after one moment and before another.
SELECT at, carry FROM telemetry.checkpoint WHERE machine_id = %(machine_id)s AND at > %(since)s AND at < %(until)s

-- drop_checkpoints: Remove checkpoints that no longer hold.
DELETE FROM telemetry.checkpoint WHERE machine_id = %(machine_id)s AND at = ANY(%(moments)s)

-- copy_checkpoints: Enter checkpoints.
COPY telemetry.checkpoint (machine_id, at, carry) FROM STDIN

-- intervals_around: A machine's state intervals from the last but one that starts at or before `since` to the last that starts at or before `until`.
SELECT started_at, ended_at, state, native FROM telemetry.state_interval
WHERE machine_id = %(machine_id)s
  AND started_at >= coalesce((SELECT started_at FROM telemetry.state_interval
                              WHERE machine_id = %(machine_id)s AND started_at <= %(since)s
                              ORDER BY started_at DESC OFFSET 1 LIMIT 1), '-infinity')
  AND started_at <= %(until)s
ORDER BY started_at

-- drop_intervals: Remove the state intervals that start at these moments.
DELETE FROM telemetry.state_interval WHERE machine_id = %(machine_id)s AND started_at = ANY(%(moments)s)

-- copy_intervals: Enter state intervals.
COPY telemetry.state_interval (machine_id, started_at, ended_at, state, native) FROM STDIN

-- frontier: What derivation knows after a machine's last reading.
SELECT last_at, carry FROM telemetry.frontier WHERE machine_id = %(machine_id)s

-- move_frontier: Remember what derivation knows after a machine's last reading.
INSERT INTO telemetry.frontier (machine_id, last_at, carry) VALUES (%(machine_id)s, %(last_at)s, %(carry)s)
ON CONFLICT (machine_id) DO UPDATE SET last_at = EXCLUDED.last_at, carry = EXCLUDED.carry
WHERE (frontier.last_at, frontier.carry) IS DISTINCT FROM (EXCLUDED.last_at, EXCLUDED.carry)

-- drop_frontier: No reading speaks for this machine.
DELETE FROM telemetry.frontier WHERE machine_id = %(machine_id)s

-- states_between: A machine's state intervals that meet a stretch, whole, in order.
SELECT started_at, ended_at, state, native FROM telemetry.state_interval
WHERE machine_id = %(machine_id)s AND tstzrange(started_at, ended_at) && tstzrange(%(since)s, %(until)s, '[]')
ORDER BY started_at

-- usages_between: A machine's usages that overlap a stretch.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id
FROM telemetry.usage
WHERE machine_id = %(machine_id)s AND tstzrange(started_at, ended_at) && tstzrange(%(since)s, %(until)s)
ORDER BY started_at

-- usages: Usages that begin in a stretch, by machine and kind where one is named, only a member's own where one is named.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id
FROM telemetry.usage
WHERE started_at >= %(since)s AND started_at < %(until)s
  AND (%(machine_id)s::text IS NULL OR machine_id = %(machine_id)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(everybody)s OR member_id = %(member_id)s)
ORDER BY started_at, machine_id

-- usage: One usage.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id
FROM telemetry.usage WHERE id = %(id)s

-- drop_usages: Remove usages whose evidence changed.
DELETE FROM telemetry.usage WHERE id = ANY(%(ids)s)

-- copy_usages: Enter usages.
COPY telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id)
FROM STDIN

-- booked_between: The reservations of a machine that count as taken up and overlap a stretch.
SELECT id, starts_at, ends_at, member_id, person_id FROM booking.reservation
WHERE machine_id = %(machine_id)s AND status IN ('confirmed', 'in_use', 'done')
  AND ends_at > %(since)s AND starts_at < %(until)s
ORDER BY starts_at, id

-- decisions_between: What people decided about stretches of a machine that overlap this one.
SELECT id, lower(during), upper(during), evidence_hash, resolution, member_id, reservation_id, person_id
FROM telemetry.decision
WHERE machine_id = %(machine_id)s AND during && tstzrange(%(since)s, %(until)s)
ORDER BY id

-- add_decision: Remember what a person decided about a stretch on the evidence of this moment.
INSERT INTO telemetry.decision (machine_id, during, evidence_hash, resolution, member_id, reservation_id, person_id, reason,
    decided_by, decided_at)
VALUES (%(machine_id)s, tstzrange(%(started_at)s, %(ended_at)s), %(evidence_hash)s, %(resolution)s, %(member_id)s,
    %(reservation_id)s, %(person_id)s, %(reason)s, %(decided_by)s, %(now)s)
RETURNING id

-- open_findings: These decisions rest on evidence that changed; each is found once until it is closed.
INSERT INTO telemetry.finding (machine_id, kind, decision_id)
SELECT machine_id, 'decision_outdated', id FROM telemetry.decision WHERE id = ANY(%(ids)s)
ON CONFLICT (kind, decision_id) WHERE closed_at IS NULL DO NOTHING

-- close_findings: Nothing is open about these decisions any more.
UPDATE telemetry.finding SET closed_at = now() WHERE decision_id = ANY(%(ids)s) AND closed_at IS NULL

-- findings: What a person must look at, with the stretch it is about.
SELECT f.id, f.machine_id, f.kind, f.decision_id, lower(d.during), upper(d.during), f.opened_at
FROM telemetry.finding f JOIN telemetry.decision d ON d.id = f.decision_id
WHERE f.closed_at IS NULL ORDER BY lower(d.during), f.id

-- reservation_of_machine: Whose a reservation of this machine is.
SELECT member_id, person_id FROM booking.reservation WHERE id = %(id)s AND machine_id = %(machine_id)s

-- current: What is known of each machine after its last reading, its last state interval, and the rule that holds now.
SELECT m.id, f.carry, i.started_at, i.state, i.native, r.kind, r.channel, r.on_watts, r.off_watts, r.on_seconds,
       r.off_seconds, r.gap_seconds, r.bridge_seconds,
       EXISTS (SELECT FROM telemetry.binding b JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = r.channel
               WHERE b.machine_id = m.id AND b.bound @> %(now)s::timestamptz)
FROM coop.machine m
LEFT JOIN telemetry.frontier f ON f.machine_id = m.id
LEFT JOIN telemetry.state_rule r ON r.machine_id = m.id AND r.valid @> %(now)s::timestamptz
LEFT JOIN LATERAL (SELECT started_at, state, native FROM telemetry.state_interval
                   WHERE machine_id = m.id ORDER BY started_at DESC LIMIT 1) i ON true
WHERE %(machine_id)s::text IS NULL OR m.id = %(machine_id)s
ORDER BY m.id

-- device_list: The devices with the machine each speaks for now and when it last reported.
SELECT d.id, d.decoder, d.address, b.machine_id,
       (SELECT max(last.received_at) FROM telemetry.channel c
        CROSS JOIN LATERAL (SELECT received_at FROM telemetry.reading
                            WHERE channel_id = c.id ORDER BY at DESC, tie DESC LIMIT 1) AS last
        WHERE c.device_id = d.id)
FROM telemetry.device d
LEFT JOIN telemetry.binding b ON b.device_id = d.id AND b.bound @> %(now)s::timestamptz
ORDER BY d.id

-- room_temperature: The last temperature that a device bound to a machine reported of its room, by the corrected clock.
SELECT r.at + make_interval(secs => coalesce(k.offset_seconds, 0)), r.value, r.received_at
FROM telemetry.binding b
JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = 'room_temperature'
CROSS JOIN LATERAL (SELECT at, value, received_at FROM telemetry.reading
                    WHERE channel_id = c.id AND b.bound @> at AND at <= received_at + interval '5 minutes'
                      AND value BETWEEN -50 AND 100
                    ORDER BY at DESC, tie DESC LIMIT 1) r
LEFT JOIN telemetry.clock_correction k ON k.device_id = b.device_id AND k.during @> r.at
WHERE b.machine_id = %(machine_id)s AND upper_inf(b.bound)
ORDER BY r.at DESC LIMIT 1

-- machine_at_address: The machine that the device at an address speaks for at a moment.
SELECT b.machine_id FROM telemetry.device d JOIN telemetry.binding b ON b.device_id = d.id
WHERE d.address = %(address)s AND b.bound @> %(at)s::timestamptz
