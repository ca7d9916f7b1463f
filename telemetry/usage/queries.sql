-- From state intervals to usage.

-- usages_between: A machine's usages that overlap a stretch.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id,
       energy_kwh, parts
FROM telemetry.usage
WHERE machine_id = %(machine_id)s AND tstzrange(started_at, ended_at) && tstzrange(%(since)s, %(until)s)
ORDER BY started_at

-- usages: Usages that begin in a stretch, of a machine, kind or member where one is named, from a place in the list on.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id,
       energy_kwh, parts
FROM telemetry.usage
WHERE started_at >= %(since)s AND started_at < %(until)s
  AND (%(machine_id)s::text IS NULL OR machine_id = %(machine_id)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(everybody)s OR member_id = %(member_id)s)
  AND (%(after_id)s::uuid IS NULL OR (started_at, id) > (%(after_started)s::timestamptz, %(after_id)s))
ORDER BY started_at, id
LIMIT %(limit)s

-- usage: One usage.
SELECT id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id,
       energy_kwh, parts
FROM telemetry.usage WHERE id = %(id)s

-- drop_usages: Remove usages whose evidence changed.
DELETE FROM telemetry.usage WHERE id = ANY(%(ids)s)

-- copy_usages: Enter usages.
COPY telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, person_id, evidence_hash, decision_id,
    energy_kwh, parts)
FROM STDIN

-- booked_between: The reservations of a machine that count as taken up and overlap a stretch.
SELECT id, starts_at, ends_at, member_id, person_id FROM booking.reservation
WHERE machine_id = %(machine_id)s AND status IN ('confirmed', 'in_use', 'done')
  AND ends_at > %(since)s AND starts_at < %(until)s
ORDER BY starts_at, id

-- visits_between: When people were checked in within their reservations of a machine; whom only the machine's running told of had not checked in, and who never left stayed to the end.
SELECT came, gone FROM (
    SELECT greatest(v.came_at, r.starts_at) AS came, least(v.left_at, r.ends_at) AS gone
    FROM booking.visit v JOIN booking.reservation r ON r.id = v.reservation_id
    WHERE v.machine_id = %(machine_id)s AND v.machine_id = r.machine_id AND v.came_by <> 'running'
      AND (r.status = 'done' OR r.status IN ('confirmed', 'in_use') AND v.left_at IS NOT NULL)
      AND r.ends_at > %(since)s AND r.starts_at < %(until)s
) AS visit
WHERE came < gone AND gone > %(since)s AND came < %(until)s
ORDER BY came

-- decisions_between: What people decided about stretches of a machine that overlap this one.
SELECT id, lower(during), upper(during), evidence_hash, resolution, member_id, reservation_id, person_id
FROM telemetry.decision
WHERE machine_id = %(machine_id)s AND during && tstzrange(%(since)s, %(until)s)
ORDER BY id

-- open_findings: These decisions rest on evidence that changed; each is found once until it is closed.
INSERT INTO telemetry.finding (machine_id, kind, decision_id)
SELECT machine_id, 'decision_outdated', id FROM telemetry.decision WHERE id = ANY(%(ids)s)
ON CONFLICT DO NOTHING

-- close_findings: Nothing is open about these decisions any more.
UPDATE telemetry.finding SET closed_at = now() WHERE decision_id = ANY(%(ids)s) AND closed_at IS NULL

-- tell_closed: Periods are closed up to a moment; the findings that a closed one changed are dealt with.
WITH told AS (
    INSERT INTO telemetry.closed (until) VALUES (%(until)s)
    ON CONFLICT (single) DO UPDATE SET until = greatest(closed.until, excluded.until), told_at = now()
)
UPDATE telemetry.finding SET closed_at = now() WHERE kind = 'closed_month_changed' AND closed_at IS NULL

-- closed_until: Until when periods are closed.
SELECT until FROM telemetry.closed
