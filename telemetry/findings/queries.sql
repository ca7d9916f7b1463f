-- What a person must look at.

-- lock_sweep: One sweep at a time.
SELECT pg_advisory_xact_lock(hashtext('telemetry.findings'))

-- wanted: Where one sweep gathers what it finds.
CREATE TEMP TABLE IF NOT EXISTS wanted (
    machine_id text, kind text, during tstzrange, usage_id uuid, reservation_id uuid, decision_id bigint, detail jsonb
) ON COMMIT DROP

-- nothing_wanted: Nothing is found yet.
DELETE FROM wanted

-- nobody: Usage that no reservation and no decision accounts for.
INSERT INTO wanted (machine_id, kind, during, usage_id, detail)
SELECT machine_id, 'nobody', tstzrange(started_at, ended_at), id, jsonb_build_object('running_seconds', running_seconds)
FROM telemetry.usage
WHERE kind = 'unassigned' AND ended_at >= %(since)s AND ended_at < %(nobody_before)s

-- two_through: A machine that ran through a hand-over to another member, who had not checked in by then.
INSERT INTO wanted (machine_id, kind, during, usage_id, reservation_id, detail)
SELECT later.machine_id, 'two', tstzrange(later.started_at, later.ended_at), later.id, later.reservation_id,
       jsonb_build_object('other_reservation_id', earlier.reservation_id, 'because', 'ran_through')
FROM telemetry.usage later
JOIN telemetry.usage earlier ON earlier.machine_id = later.machine_id AND earlier.ended_at = later.started_at
WHERE later.kind = 'in_reservation' AND earlier.kind IN ('in_reservation', 'overrun')
  AND earlier.reservation_id <> later.reservation_id AND earlier.member_id <> later.member_id
  AND later.ended_at >= %(since)s AND later.started_at < %(now)s
  AND NOT EXISTS (SELECT FROM booking.visit v WHERE v.reservation_id = later.reservation_id AND v.came_by <> 'running'
                  AND v.came_at <= later.started_at + %(overlaps_from)s)

-- two_at_once: Usage of one member's reservation while another member's person was checked in at the machine.
INSERT INTO wanted (machine_id, kind, during, usage_id, reservation_id, detail)
SELECT DISTINCT ON (u.id) u.machine_id, 'two', tstzrange(u.started_at, u.ended_at), u.id, u.reservation_id,
       jsonb_build_object('other_reservation_id', r.id, 'because', 'checked_in')
FROM telemetry.usage u
JOIN booking.visit v ON v.machine_id = u.machine_id AND v.came_by <> 'running' AND v.reservation_id <> u.reservation_id
JOIN booking.reservation r ON r.id = v.reservation_id AND r.member_id <> u.member_id
WHERE u.kind IN ('in_reservation', 'early', 'overrun') AND u.ended_at >= %(since)s AND v.came_at >= %(since)s
  AND least(u.ended_at, coalesce(v.left_at, r.ends_at)) - greatest(u.started_at, v.came_at) >= %(overlaps_from)s
  AND NOT EXISTS (SELECT FROM wanted w WHERE w.usage_id = u.id AND w.kind = 'two')
ORDER BY u.id, v.came_at

-- idle_visit: Somebody was checked in, and the machine is known not to have run all the while.
INSERT INTO wanted (machine_id, kind, during, reservation_id, detail)
SELECT v.machine_id, 'sensor_disagrees', tstzrange(v.came_at, v.left_at), v.reservation_id,
       jsonb_build_object('because', 'never_ran')
FROM booking.visit v
WHERE v.came_by <> 'running' AND v.left_at >= %(since)s AND v.left_at - v.came_at >= %(disagrees_from)s
  AND EXISTS (SELECT FROM telemetry.state_interval s WHERE s.machine_id = v.machine_id AND s.ended_at >= v.left_at
              AND tstzrange(s.started_at, s.ended_at) && tstzrange(v.came_at, v.left_at, '[]'))
  AND NOT EXISTS (SELECT FROM telemetry.state_interval s WHERE s.machine_id = v.machine_id
                  AND s.state IN ('running', 'unknown')
                  AND tstzrange(s.started_at, s.ended_at) && tstzrange(v.came_at, v.left_at))

-- ran_on: Somebody checked out, and the machine ran on.
INSERT INTO wanted (machine_id, kind, during, usage_id, reservation_id, detail)
SELECT DISTINCT ON (u.id) u.machine_id, 'sensor_disagrees', tstzrange(u.started_at, u.ended_at), u.id, u.reservation_id,
       jsonb_build_object('because', 'ran_on', 'left_at', v.left_at)
FROM booking.visit v
JOIN telemetry.usage u ON u.machine_id = v.machine_id AND u.reservation_id = v.reservation_id
JOIN telemetry.state_interval s ON s.machine_id = v.machine_id AND s.state = 'running'
    AND tstzrange(s.started_at, s.ended_at) && tstzrange(u.started_at, u.ended_at)
WHERE v.left_at >= %(since)s AND u.kind IN ('in_reservation', 'overrun')
  AND least(s.ended_at, u.ended_at) >= v.left_at + %(disagrees_from)s
ORDER BY u.id, s.started_at

-- no_signal: A reservation within which the machine's signal was missing, as far as it is over; also since its last reading.
INSERT INTO wanted (machine_id, kind, during, reservation_id, detail)
SELECT r.machine_id, 'no_signal', tstzrange(r.starts_at, r.ends_at), r.id,
       jsonb_build_object('unknown_seconds', extract(epoch FROM unknown.known_of + unknown.silent)::int)
FROM booking.reservation r
JOIN telemetry.state_rule rule ON rule.machine_id = r.machine_id AND rule.valid @> r.starts_at
JOIN telemetry.frontier f ON f.machine_id = r.machine_id
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT sum(least(s.ended_at, r.ends_at, %(now)s) - greatest(s.started_at, r.starts_at))
                     FROM telemetry.state_interval s
                     WHERE s.machine_id = r.machine_id AND s.state = 'unknown'
                       AND tstzrange(s.started_at, s.ended_at) && tstzrange(r.starts_at, least(r.ends_at, %(now)s))),
                    interval '0') AS known_of,
           CASE WHEN f.last_at + make_interval(secs => coalesce(rule.gap_seconds, (
                         SELECT max((one->>'gap_seconds')::int) FROM jsonb_array_elements(rule.conditions) AS one)))
                     < least(r.ends_at, %(now)s)
                THEN least(r.ends_at, %(now)s) - greatest(f.last_at, r.starts_at) ELSE interval '0' END AS silent
) AS unknown
WHERE r.status IN ('confirmed', 'in_use', 'done') AND r.ends_at >= %(since)s AND r.starts_at < %(now)s
  AND unknown.known_of + unknown.silent >= %(no_signal_from)s

-- ran_without_signal: While the machine was unknown its counter gained more than it could without running.
INSERT INTO wanted (machine_id, kind, during, detail)
SELECT machine_id, 'ran_without_signal', tstzrange(started_at, ended_at),
       jsonb_build_object('energy_kwh', round((sum(gained_wh) / 1000)::numeric, 4))
FROM (
    SELECT s.machine_id, s.started_at, s.ended_at, rule.off_watts,
           CASE WHEN after.value < before.value THEN after.value ELSE after.value - before.value END AS gained_wh,
           extract(epoch FROM after.at - before.at) / 3600 AS hours
    FROM telemetry.state_interval s
    JOIN telemetry.state_rule rule ON rule.machine_id = s.machine_id AND rule.valid @> s.started_at
    JOIN telemetry.binding b ON b.machine_id = s.machine_id AND b.bound @> s.started_at
    JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = 'energy_wh'
    CROSS JOIN LATERAL (SELECT at, value FROM telemetry.reading
                        WHERE channel_id = c.id AND at <= s.started_at AND at > s.started_at - interval '1 day'
                          AND value IS NOT NULL AND queued IS NOT TRUE
                        ORDER BY at DESC, tie DESC LIMIT 1) AS before
    CROSS JOIN LATERAL (SELECT at, value FROM telemetry.reading
                        WHERE channel_id = c.id AND at > s.started_at AND at <= s.ended_at + interval '1 hour'
                          AND value IS NOT NULL
                        ORDER BY at >= s.ended_at DESC, abs(extract(epoch FROM at - s.ended_at)), tie LIMIT 1) AS after
    WHERE s.state = 'unknown' AND s.ended_at >= %(since)s
) AS silent
GROUP BY machine_id, started_at, ended_at
HAVING sum(gained_wh) > max(coalesce(off_watts, 0) * hours)

-- close_gone: What is no longer there is closed by itself; what lies before the sweep's window stays as it is.
UPDATE telemetry.finding f SET closed_at = %(now)s
WHERE f.closed_at IS NULL AND upper(f.during) >= %(since)s
  AND f.kind IN ('nobody', 'two', 'sensor_disagrees', 'no_signal', 'ran_without_signal')
  AND NOT EXISTS (SELECT FROM wanted w
                  WHERE (w.machine_id, w.kind) = (f.machine_id, f.kind) AND lower(w.during) = lower(f.during)
                    AND w.usage_id IS NOT DISTINCT FROM f.usage_id
                    AND w.reservation_id IS NOT DISTINCT FROM f.reservation_id)

-- raise_found: What is there is open, once, unless somebody said that it is well.
INSERT INTO telemetry.finding AS f (machine_id, kind, during, usage_id, reservation_id, detail, opened_at)
SELECT machine_id, kind, during, usage_id, reservation_id, detail, %(now)s FROM wanted w
WHERE NOT EXISTS (SELECT FROM telemetry.finding done
                  WHERE done.settled_by IS NOT NULL AND (done.machine_id, done.kind) = (w.machine_id, w.kind)
                    AND done.during = w.during AND w.usage_id IS NOT DISTINCT FROM done.usage_id
                    AND w.reservation_id IS NOT DISTINCT FROM done.reservation_id)
ON CONFLICT (machine_id, kind, usage_id, reservation_id, decision_id, lower(during)) WHERE closed_at IS NULL
DO UPDATE SET during = excluded.during, detail = excluded.detail
WHERE (f.during, f.detail) IS DISTINCT FROM (excluded.during, excluded.detail)

-- closed_month_changed: A usage of a closed month changed: once a machine and month, with how its running seconds changed by now.
INSERT INTO telemetry.finding AS f (machine_id, kind, during, detail)
VALUES (%(machine_id)s, 'closed_month_changed', tstzrange(%(start)s, %(end)s),
    jsonb_build_object('running_seconds', %(running_seconds)s::int))
ON CONFLICT (machine_id, kind, usage_id, reservation_id, decision_id, lower(during)) WHERE closed_at IS NULL
DO UPDATE SET detail = jsonb_build_object(
    'running_seconds', (f.detail->>'running_seconds')::int + (excluded.detail->>'running_seconds')::int)
