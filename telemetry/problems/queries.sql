-- problems: What is open and has not been decided about, by time; after a place in that order, if one is named.
SELECT f.id, f.kind, f.machine_id, lower(what.during), upper(what.during), f.opened_at, u.id, f.reservation_id,
       f.decision_id, f.detail, p.name, m.name
FROM telemetry.finding f
LEFT JOIN coop.person p ON p.id = f.reported_by
LEFT JOIN coop.member m ON m.id = p.member_id
LEFT JOIN telemetry.decision d ON d.id = f.decision_id
CROSS JOIN LATERAL (SELECT coalesce(f.during, d.during) AS during) AS what
LEFT JOIN LATERAL (
    SELECT id, kind FROM telemetry.usage
    WHERE CASE WHEN f.decision_id IS NULL THEN id = f.usage_id
               ELSE machine_id = f.machine_id AND tstzrange(started_at, ended_at) && what.during END
    ORDER BY upper(tstzrange(started_at, ended_at) * what.during) - lower(tstzrange(started_at, ended_at) * what.during) DESC
    LIMIT 1) AS u ON true
WHERE f.closed_at IS NULL
  AND (f.usage_id IS NULL OR u.kind NOT IN ('assigned', 'waived'))
  AND (%(id)s::bigint IS NULL OR f.id = %(id)s)
  AND (%(machine_id)s::text IS NULL OR f.machine_id = %(machine_id)s)
  AND (%(kind)s::text IS NULL OR f.kind = %(kind)s)
  AND (%(after_at)s::timestamptz IS NULL OR (lower(what.during), f.id) > (%(after_at)s, %(after_id)s))
ORDER BY lower(what.during), f.id LIMIT %(limit)s

-- neighbours: The reservations of a machine near a stretch, with their people and when they were checked in.
SELECT r.id, r.starts_at, r.ends_at, r.member_id, m.name, r.person_id, p.name, v.came_at, v.left_at
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
LEFT JOIN booking.visit v ON v.reservation_id = r.id AND v.came_by <> 'running'
WHERE r.machine_id = %(machine_id)s AND r.status IN ('confirmed', 'in_use', 'done', 'released')
  AND r.ends_at > %(since)s AND r.starts_at < %(until)s
ORDER BY r.starts_at, r.id

-- settle: A person says that what was found is well as it is.
UPDATE telemetry.finding SET closed_at = %(now)s, settled_by = %(settled_by)s
WHERE id = %(id)s AND closed_at IS NULL

-- one_report_at_a_time: Who reports something of the same machine at this moment waits.
SELECT pg_advisory_xact_lock(hashtextextended('report ' || %(machine_id)s, 7269112))

-- report: Somebody found something, unless they said the same just before.
INSERT INTO telemetry.finding (machine_id, kind, during, detail, reported_by, opened_at)
SELECT %(machine_id)s, 'reported', tstzrange(%(start)s, %(now)s), %(detail)s, %(person_id)s, %(now)s
WHERE NOT EXISTS (SELECT FROM telemetry.finding f
                  WHERE f.machine_id = %(machine_id)s AND f.kind = 'reported' AND f.reported_by = %(person_id)s
                    AND f.detail->>'text' = %(text)s AND f.opened_at > %(again_since)s)
RETURNING id
