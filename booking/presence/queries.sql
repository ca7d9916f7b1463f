-- presence_rule: When people may come to a machine, who is released, and the serial of its QR codes.
SELECT early_minutes, asks_after_minutes, releases_after_minutes, releases, code_serial
FROM booking.presence_rule WHERE machine_id = %(machine_id)s

-- set_presence_rule: Change when people may come and when the time of who does not is given back.
UPDATE booking.presence_rule
SET early_minutes = %(early_minutes)s, asks_after_minutes = %(asks_after_minutes)s,
    releases_after_minutes = %(releases_after_minutes)s, releases = %(releases)s
WHERE machine_id = %(machine_id)s

-- renew_code: The QR codes that were printed for a machine are void.
UPDATE booking.presence_rule SET code_serial = code_serial + 1 WHERE machine_id = %(machine_id)s

-- due: The reservations of a machine that may be begun at a moment, or are in use then, by start.
SELECT r.id, r.member_id, r.person_id, r.status = 'in_use', r.starts_at, r.ends_at
FROM booking.reservation r
JOIN booking.presence_rule y ON y.machine_id = r.machine_id
WHERE r.machine_id = %(machine_id)s AND r.status IN ('confirmed', 'in_use')
  AND r.ends_at > %(at)s AND r.starts_at - y.early_minutes * interval '1 minute' <= %(at)s
ORDER BY r.starts_at, r.id

-- begin_use: Somebody came; who was there before and whose time is over is done.
WITH come AS (
    UPDATE booking.reservation SET status = 'in_use', version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND status = 'confirmed'
    RETURNING id, machine_id
), before AS (
    UPDATE booking.reservation r SET status = 'done', version = version + 1, changed_at = %(now)s
    FROM come c WHERE r.machine_id = c.machine_id AND r.status = 'in_use' AND r.ends_at <= %(now)s AND r.service <> 'loan'
)
INSERT INTO booking.visit (reservation_id, machine_id, came_at, came_by)
SELECT id, machine_id, %(now)s, %(by)s FROM come

-- end_use: Somebody left, or nobody saw them leave.
WITH gone AS (
    UPDATE booking.reservation SET status = 'done', version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND status = 'in_use'
    RETURNING id
)
UPDATE booking.visit v SET left_at = greatest(%(left_at)s::timestamptz, v.came_at) FROM gone g
WHERE v.reservation_id = g.id

-- in_use_and_over: The reservations in use whose end has passed and whose machine is not known to run. What is on loan is
-- not over before it is back.
SELECT r.id FROM booking.reservation r
LEFT JOIN booking.signal s ON s.machine_id = r.machine_id
WHERE r.status = 'in_use' AND r.ends_at <= %(now)s AND r.service <> 'loan'
  AND NOT (s.running_since < r.ends_at AND (s.valid_until IS NULL OR s.valid_until >= %(now)s)) IS TRUE
ORDER BY r.id

-- absences: The slots that have begun and to which nobody came yet, with what is known of them and of the machine.
SELECT r.id, r.starts_at, r.ends_at, r.expected_at, q.asked_at, q.coming_at,
       y.early_minutes, y.asks_after_minutes, y.releases_after_minutes, y.releases,
       s.running_since, s.idle_since, s.valid_until
FROM booking.reservation r
JOIN booking.presence_rule y ON y.machine_id = r.machine_id
LEFT JOIN booking.no_show_question q ON q.reservation_id = r.id
LEFT JOIN booking.signal s ON s.machine_id = r.machine_id
WHERE r.status = 'confirmed' AND r.service IN ('self_use', 'attended')
  AND r.starts_at <= %(now)s AND r.ends_at > %(now)s
  AND (%(id)s::uuid IS NULL OR r.id = %(id)s)
ORDER BY r.starts_at, r.id

-- ask_no_show: Ask somebody once whether they are coming.
INSERT INTO booking.no_show_question (reservation_id, asked_at) VALUES (%(id)s, %(now)s) ON CONFLICT DO NOTHING

-- answer_coming: Somebody is on their way, whether they were asked or not.
INSERT INTO booking.no_show_question (reservation_id, asked_at, coming_at) VALUES (%(id)s, %(now)s, %(now)s)
ON CONFLICT (reservation_id) DO UPDATE SET coming_at = excluded.coming_at

-- release_reservation: Give back the time of somebody who did not come.
WITH released AS (
    UPDATE booking.reservation SET status = 'released', version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND status = 'confirmed'
    RETURNING id
), given_back AS (
    UPDATE booking.claim c SET released_at = %(now)s
    FROM released r WHERE c.reservation_id = r.id AND c.released_at IS NULL
)
SELECT id FROM released

-- add_fee_event: Remember once what the fee rules may charge, with the slot as it was booked.
INSERT INTO booking.fee_event (kind, reservation_id, machine_id, member_id, during, at)
SELECT %(kind)s, id, machine_id, member_id, tstzrange(starts_at, ends_at), %(now)s
FROM booking.reservation WHERE id = %(id)s AND machine_id IS NOT NULL
ON CONFLICT DO NOTHING

-- signal: What telemetry last told of a machine.
SELECT running_since, idle_since, valid_until FROM booking.signal WHERE machine_id = %(machine_id)s

-- keep_signal: Remember what telemetry tells of a machine, if it is news.
INSERT INTO booking.signal AS s (machine_id, running_since, idle_since, valid_until)
VALUES (%(machine_id)s, %(running_since)s, %(idle_since)s, %(valid_until)s)
ON CONFLICT (machine_id) DO UPDATE
SET running_since = excluded.running_since, idle_since = excluded.idle_since, valid_until = excluded.valid_until
WHERE (s.running_since, s.idle_since, s.valid_until)
      IS DISTINCT FROM (excluded.running_since, excluded.idle_since, excluded.valid_until)

-- overruns: What runs on past its end, with the next reservation whose person was not told yet.
SELECT r.id, n.id
FROM booking.reservation r
JOIN booking.signal s ON s.machine_id = r.machine_id
CROSS JOIN LATERAL (
    SELECT f.id FROM booking.reservation f
    WHERE f.machine_id = r.machine_id AND f.status = 'confirmed' AND f.ends_at > %(now)s
      AND f.starts_at >= r.ends_at AND f.starts_at <= %(now)s + %(soon)s
    ORDER BY f.starts_at LIMIT 1) n
WHERE r.status = 'in_use' AND r.ends_at <= %(now)s
  AND s.running_since < r.ends_at AND (s.valid_until IS NULL OR s.valid_until >= %(now)s)
  AND NOT EXISTS (SELECT FROM booking.overrun_warning w WHERE w.reservation_id = r.id AND w.next_id = n.id)
ORDER BY r.id

-- warn_overrun: Somebody is told, once, that the reservation before theirs runs on.
INSERT INTO booking.overrun_warning (reservation_id, next_id, warned_at) VALUES (%(id)s, %(next_id)s, %(now)s)
ON CONFLICT DO NOTHING

-- give_badge: A badge is somebody's from now on.
INSERT INTO booking.badge (badge_hash, person_id, given_at) VALUES (%(badge_hash)s, %(person_id)s, %(now)s)
ON CONFLICT (badge_hash) DO UPDATE SET person_id = excluded.person_id, given_at = excluded.given_at

-- badge_holder: Whose badge it is, if an active person's.
SELECT b.person_id FROM booking.badge b JOIN coop.person p ON p.id = b.person_id AND p.active
WHERE b.badge_hash = %(badge_hash)s

-- keep_tap: What the last badge at a machine did, or why nothing.
INSERT INTO booking.tap AS t (machine_id, at, what) VALUES (%(machine_id)s, %(now)s, %(what)s)
ON CONFLICT (machine_id) DO UPDATE SET at = excluded.at, what = excluded.what WHERE t.at <= excluded.at

-- taps_since: What badges did at machines since a moment.
SELECT machine_id, what, at FROM booking.tap WHERE at >= %(since)s ORDER BY machine_id

-- interlocks: The machines whose start is permitted by us, with all that decides about it now.
SELECT l.machine_id, l.form, l.target, l.on_network_loss, l.needs_check_in,
       m.in_service, s.running_since, s.idle_since, s.valid_until,
       EXISTS (SELECT FROM booking.reservation r
               WHERE r.machine_id = l.machine_id AND r.status = 'in_use' AND r.ends_at > %(now)s),
       d.id IS NOT NULL,
       coalesce(p.required_level, 0) = 0 OR d.id IS NULL OR EXISTS (
           SELECT FROM booking.qualification q
           WHERE q.person_id = d.person_id AND q.machine_kind = m.kind AND q.valid @> %(now)s::timestamptz
             AND q.level >= coalesce(p.supervised_level, p.required_level))
FROM booking.interlock l
JOIN coop.machine m ON m.id = l.machine_id
CROSS JOIN coop.cooperative c
LEFT JOIN booking.signal s ON s.machine_id = l.machine_id
LEFT JOIN booking.policy p ON p.machine_id = l.machine_id
    AND p.valid @> (%(now)s::timestamptz AT TIME ZONE c.time_zone)::date
LEFT JOIN LATERAL (
    SELECT r.id, r.person_id FROM booking.reservation r
    JOIN booking.presence_rule y ON y.machine_id = r.machine_id
    WHERE r.machine_id = l.machine_id AND r.status IN ('confirmed', 'in_use') AND r.ends_at > %(now)s
      AND r.starts_at - y.early_minutes * interval '1 minute' <= %(now)s
    ORDER BY r.starts_at LIMIT 1) d ON true
WHERE %(machine_id)s::text IS NULL OR l.machine_id = %(machine_id)s
ORDER BY l.machine_id

-- set_interlock: A machine's start is permitted by us from now on, or in another way.
INSERT INTO booking.interlock (machine_id, form, target, on_network_loss, needs_check_in)
VALUES (%(machine_id)s, %(form)s, %(target)s, %(on_network_loss)s, %(needs_check_in)s)
ON CONFLICT (machine_id) DO UPDATE SET form = excluded.form, target = excluded.target,
    on_network_loss = excluded.on_network_loss, needs_check_in = excluded.needs_check_in

-- drop_interlock: A machine's start is not our affair any more.
DELETE FROM booking.interlock WHERE machine_id = %(machine_id)s

-- access: How to get to a machine, and where its key is.
SELECT note_ja, note_en FROM booking.access WHERE machine_id = %(machine_id)s

-- set_access: Say how to get to a machine.
INSERT INTO booking.access (machine_id, note_ja, note_en) VALUES (%(machine_id)s, %(note_ja)s, %(note_en)s)
ON CONFLICT (machine_id) DO UPDATE SET note_ja = excluded.note_ja, note_en = excluded.note_en

-- drop_access: Say nothing of how to get to a machine.
DELETE FROM booking.access WHERE machine_id = %(machine_id)s
