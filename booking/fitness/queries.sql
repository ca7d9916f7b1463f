-- add_calibration: Enter a calibration certificate.
INSERT INTO booking.calibration (id, machine_id, number, issued_on, valid_until, document)
VALUES (%(id)s, %(machine_id)s, %(number)s, %(issued_on)s, %(valid_until)s, %(document)s)

-- calibrations: The calibration certificates of a machine, the newest first, from a place in the list on.
SELECT id, machine_id, number, issued_on, valid_until, document FROM booking.calibration
WHERE machine_id = %(machine_id)s
  AND (%(after_id)s::uuid IS NULL OR (valid_until, id) < (%(after_until)s::date, %(after_id)s))
ORDER BY valid_until DESC, id DESC
LIMIT %(limit)s

-- add_master: Say what is measured each day on a machine, and what must come out.
INSERT INTO booking.master (id, machine_id, name, unit, lower_limit, upper_limit)
VALUES (%(id)s, %(machine_id)s, %(name)s, %(unit)s, %(lower_limit)s, %(upper_limit)s)

-- masters: The masters of a machine, with the last check of each.
SELECT a.id, a.machine_id, a.name, a.unit, a.lower_limit, a.upper_limit, k.checked_at, k.value, k.passed
FROM booking.master a
LEFT JOIN LATERAL (SELECT checked_at, value, passed FROM booking.master_check
                   WHERE master_id = a.id ORDER BY checked_at DESC LIMIT 1) k ON true
WHERE a.machine_id = %(machine_id)s AND a.retired_at IS NULL ORDER BY a.name

-- retire_master: A master is not measured any more.
UPDATE booking.master SET retired_at = %(now)s WHERE id = %(id)s AND retired_at IS NULL RETURNING machine_id

-- lock_master: A master with its machine; the machine's resource is locked, so that checks and bookings take turns.
SELECT a.machine_id, a.lower_limit, a.upper_limit
FROM booking.master a JOIN booking.resource r ON r.id = a.machine_id
WHERE a.id = %(master_id)s AND a.retired_at IS NULL
FOR NO KEY UPDATE OF r

-- add_check: Enter what a master measured, with the limits of the day.
INSERT INTO booking.master_check (id, master_id, checked_at, value, lower_limit, upper_limit, checked_by)
VALUES (%(id)s, %(master_id)s, %(checked_at)s, %(value)s, %(lower_limit)s, %(upper_limit)s, %(checked_by)s)
RETURNING passed

-- checks: The checks of a machine within a window, the newest first, from a place in the list on.
SELECT k.id, a.machine_id, a.name, a.unit, k.checked_at, k.value, k.lower_limit, k.upper_limit, k.passed
FROM booking.master_check k JOIN booking.master a ON a.id = k.master_id
WHERE a.machine_id = %(machine_id)s AND k.checked_at >= %(from)s AND k.checked_at < %(until)s
  AND (%(after_id)s::uuid IS NULL OR (k.checked_at, k.id) < (%(after_checked)s::timestamptz, %(after_id)s))
ORDER BY k.checked_at DESC, k.id DESC
LIMIT %(limit)s

-- recall_uses: Enter every use between the last pass of a master and its failed check: what was measured is in doubt.
INSERT INTO booking.recall (check_id, reservation_id, found_at)
SELECT k.id, r.id, %(now)s
FROM booking.master_check k
JOIN booking.master a ON a.id = k.master_id
JOIN booking.reservation r ON r.machine_id = a.machine_id
WHERE k.id = %(id)s AND NOT k.passed AND r.status IN ('confirmed', 'in_use', 'done') AND r.starts_at < k.checked_at
  AND r.ends_at > coalesce((SELECT max(p.checked_at) FROM booking.master_check p
                            WHERE p.master_id = k.master_id AND p.passed AND p.checked_at < k.checked_at), '-infinity')
ON CONFLICT DO NOTHING
RETURNING reservation_id

-- recall_walk_ups: Likewise every use without a reservation of a machine, whichever was known first, it or the failure.
INSERT INTO booking.recall (check_id, during, member_id, person_id, found_at)
SELECT k.id, w.during, w.member_id, w.person_id, now()
FROM booking.master_check k
JOIN booking.master a ON a.id = k.master_id
JOIN booking.walk_up w ON w.machine_id = a.machine_id
WHERE a.machine_id = %(machine_id)s AND NOT k.passed AND lower(w.during) < k.checked_at
  AND upper(w.during) > coalesce((SELECT max(p.checked_at) FROM booking.master_check p
                                  WHERE p.master_id = k.master_id AND p.passed AND p.checked_at < k.checked_at), '-infinity')
ON CONFLICT DO NOTHING
RETURNING id

-- forget_walk_ups: What was told of some uses does not hold any more.
DELETE FROM booking.walk_up WHERE id = ANY (%(ids)s)

-- add_walk_up: Whose a use without a reservation was.
INSERT INTO booking.walk_up (id, machine_id, during, member_id, person_id)
VALUES (%(id)s, %(machine_id)s, tstzrange(%(from)s, %(until)s), %(member_id)s, %(person_id)s)
ON CONFLICT (id) DO UPDATE SET during = EXCLUDED.during, member_id = EXCLUDED.member_id, person_id = EXCLUDED.person_id

-- recalls: Uses in doubt of one person, of a member's unnamed ones, or of everybody; the newest first.
SELECT c.id, k.id, a.machine_id, a.name, k.checked_at, r.id, u.starts_at, u.ends_at, u.member_id, m.name, u.person_id,
       p.name, c.found_at, c.seen_at
FROM booking.recall c
JOIN booking.master_check k ON k.id = c.check_id
JOIN booking.master a ON a.id = k.master_id
LEFT JOIN booking.reservation r ON r.id = c.reservation_id
CROSS JOIN LATERAL (SELECT coalesce(r.starts_at, lower(c.during)) AS starts_at, coalesce(r.ends_at, upper(c.during)) AS ends_at,
                           coalesce(r.member_id, c.member_id) AS member_id, coalesce(r.person_id, c.person_id) AS person_id) AS u
JOIN coop.member m ON m.id = u.member_id
LEFT JOIN coop.person p ON p.id = u.person_id
WHERE (%(everybody)s OR u.person_id = %(person_id)s::uuid
       OR (u.person_id IS NULL AND u.member_id = %(member_id)s::text))
  AND (%(after_id)s::uuid IS NULL
       OR (c.found_at, u.starts_at, c.id) < (%(after_found)s::timestamptz, %(after_start)s::timestamptz, %(after_id)s))
ORDER BY c.found_at DESC, u.starts_at DESC, c.id DESC
LIMIT %(limit)s

-- see_recall: Its person has read a recall; a second time changes nothing.
UPDATE booking.recall c SET seen_at = coalesce(c.seen_at, %(now)s)
FROM booking.recall same LEFT JOIN booking.reservation r ON r.id = same.reservation_id
WHERE c.id = %(id)s AND same.id = c.id
  AND (coalesce(r.person_id, c.person_id) = %(person_id)s::uuid
       OR (coalesce(r.person_id, c.person_id) IS NULL AND coalesce(r.member_id, c.member_id) = %(member_id)s::text))
RETURNING c.id

-- record_temperature: Keep the last temperature of the room around a machine; an older one changes nothing.
INSERT INTO booking.room_temperature (machine_id, at, celsius) VALUES (%(machine_id)s, %(at)s, %(celsius)s)
ON CONFLICT (machine_id) DO UPDATE SET at = EXCLUDED.at, celsius = EXCLUDED.celsius
WHERE booking.room_temperature.at < EXCLUDED.at

-- fitness: What is known of a machine's fitness.
SELECT t.celsius, t.at, (SELECT max(b.valid_until) FROM booking.calibration b WHERE b.machine_id = m.id)
FROM coop.machine m LEFT JOIN booking.room_temperature t ON t.machine_id = m.id
WHERE m.id = %(machine_id)s
