-- From readings to state intervals.

-- machines_to_derive: The machines of which something changed since their last derivation.
SELECT DISTINCT machine_id FROM telemetry.dirty ORDER BY machine_id

-- lock_derivation: Wait until nobody else derives this machine, and keep others out until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('telemetry.derive'), hashtext(%(machine_id)s))

-- take_marks: What changed of one machine; whoever takes the marks derives what they cover.
DELETE FROM telemetry.dirty WHERE machine_id = %(machine_id)s RETURNING from_at, until_at

-- state_rules: The rule versions of a machine, or of all.
SELECT machine_id, lower(valid), upper(valid), kind, channel, on_watts, off_watts, on_seconds, off_seconds, gap_seconds,
       bridge_seconds, standby_watts, words, otherwise, conditions
FROM telemetry.state_rule WHERE %(machine_id)s::text IS NULL OR machine_id = %(machine_id)s ORDER BY machine_id, valid

-- add_state_rule: Enter a rule version of a machine from a moment on.
INSERT INTO telemetry.state_rule (machine_id, valid, kind, channel, on_watts, off_watts, on_seconds, off_seconds,
    gap_seconds, bridge_seconds, standby_watts, words, otherwise, conditions)
VALUES (%(machine_id)s, tstzrange(%(since)s, NULL), %(kind)s, %(channel)s, %(on_watts)s, %(off_watts)s, %(on_seconds)s,
    %(off_seconds)s, %(gap_seconds)s, %(bridge_seconds)s, %(standby_watts)s, %(words)s, %(otherwise)s, %(conditions)s)

-- end_state_rule: The version of a machine's rule that holds at a moment holds until then.
UPDATE telemetry.state_rule SET valid = tstzrange(lower(valid), %(since)s)
WHERE machine_id = %(machine_id)s AND valid @> %(since)s::timestamptz AND upper_inf(valid)
  AND lower(valid) IS DISTINCT FROM %(since)s

-- bounds: The channels that ever spoke for a machine, or for all, with the corrections of their clocks.
SELECT b.machine_id, b.id, c.device_id, c.id, c.name, lower(b.bound), upper(b.bound), lower(k.during), upper(k.during),
       k.offset_seconds
FROM telemetry.binding b
JOIN telemetry.channel c ON c.device_id = b.device_id
LEFT JOIN telemetry.clock_correction k ON k.device_id = b.device_id
WHERE %(machine_id)s::text IS NULL OR b.machine_id = %(machine_id)s
ORDER BY c.id, b.bound, k.during

-- first_and_last_reading: When a channel first and last said something, or a certain text, in a stretch of its device's time.
SELECT (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
            AND queued IS NOT TRUE AND (%(text)s::text IS NULL OR text = %(text)s)
        ORDER BY at, tie LIMIT 1),
       (SELECT at FROM telemetry.reading WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
            AND queued IS NOT TRUE AND (%(text)s::text IS NULL OR text = %(text)s)
        ORDER BY at DESC, tie DESC LIMIT 1)

-- numbers: A channel's finite numbers in a stretch of its device's time, in order, packed: a row each would cost ten times as much. What waited at the broker says nothing of when it came.
SELECT array_send(array_agg(at ORDER BY at, tie)), array_send(array_agg(value ORDER BY at, tie))
FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
  AND value > '-Infinity' AND value < 'Infinity' AND queued IS NOT TRUE

-- number_before: The last finite number that a channel said in a stretch of its device's time.
SELECT at, value FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
  AND value > '-Infinity' AND value < 'Infinity' AND queued IS NOT TRUE
ORDER BY at DESC, tie DESC LIMIT 1

-- number_after: When a channel first said a finite number in a stretch of its device's time.
SELECT at FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s
  AND value > '-Infinity' AND value < 'Infinity' AND queued IS NOT TRUE
ORDER BY at, tie LIMIT 1

-- words: A channel's texts in a stretch of its device's time, in order.
SELECT at, text FROM telemetry.reading
WHERE channel_id = %(channel_id)s AND at >= %(since)s AND at < %(until)s AND text IS NOT NULL AND queued IS NOT TRUE
ORDER BY at, tie

-- checkpoint_before: The last checkpoint before a moment.
SELECT at, carry FROM telemetry.checkpoint WHERE machine_id = %(machine_id)s AND at < %(at)s ORDER BY at DESC LIMIT 1

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

-- known: What is known of each machine after its last reading, and its last state interval.
SELECT m.id, f.carry, i.started_at, i.state, i.native
FROM coop.machine m
LEFT JOIN telemetry.frontier f ON f.machine_id = m.id
LEFT JOIN LATERAL (SELECT started_at, state, native FROM telemetry.state_interval
                   WHERE machine_id = m.id ORDER BY started_at DESC LIMIT 1) i ON true
WHERE %(machine_id)s::text IS NULL OR m.id = %(machine_id)s
ORDER BY m.id

-- quiet_since: When the last stretch before a moment ended in which a machine ran or was unknown; at the latest then. Else when it was first seen.
SELECT least(%(since)s, coalesce(
    (SELECT ended_at FROM telemetry.state_interval
     WHERE machine_id = %(machine_id)s AND started_at < %(since)s AND state IN ('running', 'unknown')
     ORDER BY started_at DESC LIMIT 1),
    (SELECT min(started_at) FROM telemetry.state_interval WHERE machine_id = %(machine_id)s)))
