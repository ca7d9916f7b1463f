-- lock_holder: For whom a reservation is; locks the member until the transaction ends, as whoever counts must.
SELECT m.id, m.name, p.id, p.name
FROM coop.member m LEFT JOIN coop.person p ON p.id = %(person_id)s
WHERE m.id = CASE WHEN %(person_id)s::uuid IS NULL THEN %(member_id)s
                  ELSE (SELECT member_id FROM coop.person WHERE id = %(person_id)s AND active) END
FOR NO KEY UPDATE OF m

-- lock_machine: What a machine asks of a slot; locks its resource until the transaction ends.
SELECT m.in_service, m.set_up_minutes, m.tear_down_minutes,
       y.granularity_minutes, y.shortest_minutes, y.longest_minutes, y.horizon_days, c.time_zone
FROM booking.resource r
JOIN coop.machine m ON m.id = r.machine_id
CROSS JOIN coop.cooperative c
JOIN booking.policy y ON y.machine_id = m.id AND y.valid @> (now() AT TIME ZONE c.time_zone)::date
WHERE r.id = %(machine_id)s
FOR NO KEY UPDATE OF r

-- machine_terms: What a machine asks of a slot, without a lock.
SELECT m.in_service, m.set_up_minutes, m.tear_down_minutes,
       y.granularity_minutes, y.shortest_minutes, y.longest_minutes, y.horizon_days, c.time_zone
FROM coop.machine m
CROSS JOIN coop.cooperative c
JOIN booking.policy y ON y.machine_id = m.id AND y.valid @> (now() AT TIME ZONE c.time_zone)::date
WHERE m.id = %(machine_id)s

-- drop_expired_holds: Give back the time of holds that are over by the database's clock; the locks are held.
WITH over AS MATERIALIZED (
    SELECT c.reservation_id FROM booking.claim c
    WHERE c.resource_id = ANY (%(resource_ids)s) AND c.expires_at <= clock_timestamp()
)
DELETE FROM booking.reservation r USING over WHERE r.id = over.reservation_id AND r.status = 'held'

-- add_reservation: Enter a reservation with its claims; claim_no_overlap decides whether the time was free.
WITH reserved AS (
    INSERT INTO booking.reservation (id, uid, machine_id, resource_id, member_id, person_id, starts_at, ends_at, status,
                                     purpose, service, options, created_at, changed_at)
    VALUES (%(id)s, %(uid)s, %(machine_id)s, %(resource_id)s, %(member_id)s, %(person_id)s, %(starts_at)s, %(ends_at)s,
            %(status)s, %(purpose)s, %(service)s, %(options)s, %(now)s, %(now)s)
    RETURNING id
)
INSERT INTO booking.claim (reservation_id, resource_id, blocked, need, expires_at)
SELECT r.id, c.resource_id, tstzrange(c.blocked_from, c.blocked_until), c.need, %(expires_at)s
FROM reserved r, unnest(%(resource_ids)s::text[], %(blocked_from)s::timestamptz[], %(blocked_until)s::timestamptz[],
                        %(needs)s::text[]) AS c (resource_id, blocked_from, blocked_until, need)

-- move_reservation: Give a reservation another time or machine, and the claims for it, if nobody changed it meanwhile.
WITH moved AS (
    UPDATE booking.reservation
    SET starts_at = %(starts_at)s, ends_at = %(ends_at)s, machine_id = %(machine_id)s, resource_id = %(resource_id)s,
        status = %(status)s, expected_at = NULL, version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND version = %(version)s
    RETURNING id
), given_back AS (
    DELETE FROM booking.claim c USING moved m WHERE c.reservation_id = m.id AND c.released_at IS NULL
    RETURNING c.expires_at
)
INSERT INTO booking.claim (reservation_id, resource_id, blocked, need, expires_at)
SELECT m.id, n.resource_id, tstzrange(n.blocked_from, n.blocked_until), n.need,
       coalesce(%(expires_at)s, (SELECT max(expires_at) FROM given_back))
FROM moved m, unnest(%(resource_ids)s::text[], %(blocked_from)s::timestamptz[], %(blocked_until)s::timestamptz[],
                     %(needs)s::text[]) AS n (resource_id, blocked_from, blocked_until, need)

-- cancel_reservation: End a reservation and give its time back if nobody changed it meanwhile.
WITH cancelled AS (
    UPDATE booking.reservation
    SET status = 'cancelled', version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND version = %(version)s
    RETURNING id
), released AS (
    UPDATE booking.claim c
    SET released_at = %(now)s
    FROM cancelled r
    WHERE c.reservation_id = r.id AND c.released_at IS NULL
)
SELECT id FROM cancelled

-- reservation_by_id: One reservation with the names behind it.
SELECT r.id, r.uid, coalesce(r.machine_id, r.resource_id), m.id, m.name, p.id, p.name, r.starts_at, r.ends_at, r.status,
       r.purpose, r.version, r.created_at, r.service, r.options, r.expected_at
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE r.id = %(id)s

-- reservations: The next reservations that hold time, by start, from a place in the list on.
SELECT r.id, r.uid, coalesce(r.machine_id, r.resource_id), m.id, m.name, p.id, p.name, r.starts_at, r.ends_at, r.status,
       r.purpose, r.version, r.created_at, r.service, r.options, r.expected_at
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE r.status NOT IN ('held', 'released', 'cancelled', 'declined')
  AND r.ends_at > %(from)s
  AND (%(until)s::timestamptz IS NULL OR r.starts_at < %(until)s)
  AND (%(machine_id)s::text IS NULL OR r.machine_id = %(machine_id)s)
  AND (%(person_id)s::uuid IS NULL OR r.person_id = %(person_id)s)
  AND (%(after_id)s::uuid IS NULL OR (r.starts_at, r.id) > (%(after_start)s::timestamptz, %(after_id)s::uuid))
ORDER BY r.starts_at, r.id
LIMIT %(limit)s

-- taken: When some resources are taken within a window, with the reservations or outages behind it; expired holds take nothing.
SELECT c.resource_id, lower(c.blocked), upper(c.blocked), o.kind, r.id, r.uid, coalesce(r.machine_id, r.resource_id),
       m.id, m.name, p.id, p.name, r.starts_at, r.ends_at, r.status, r.purpose, r.version, r.created_at, r.service,
       r.options, r.expected_at
FROM booking.claim c
LEFT JOIN booking.outage o ON o.id = c.outage_id
LEFT JOIN booking.reservation r ON r.id = c.reservation_id
LEFT JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE c.resource_id = ANY (%(resource_ids)s) AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
ORDER BY c.resource_id, lower(c.blocked)

-- blocked: The times at which a resource is taken within a window, other than by one reservation.
SELECT lower(c.blocked), upper(c.blocked)
FROM booking.claim c
WHERE c.resource_id = %(resource_id)s AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
  AND (%(but_for)s::uuid IS NULL OR c.reservation_id IS DISTINCT FROM %(but_for)s)
ORDER BY lower(c.blocked)

-- What follows is presence: holds, the waitlist and its offers, who is there and who did not come.

-- lock_resource: Lock a machine until the transaction ends, as whoever gives away its time must.
SELECT id FROM booking.resource WHERE id = %(machine_id)s FOR NO KEY UPDATE

-- moment_from_now: A moment some time ahead by the clock of the database.
SELECT clock_timestamp() + %(length)s

-- forget_hold_of: Let go of the hold that a person has; they fill in one form at a time.
DELETE FROM booking.reservation r USING booking.claim c
WHERE r.person_id = %(person_id)s AND r.status = 'held' AND c.reservation_id = r.id AND c.expires_at IS NOT NULL

-- confirm_hold: Make a hold a reservation in place, if it is not over by the clock of the database.
WITH kept AS (
    UPDATE booking.claim SET expires_at = NULL
    WHERE reservation_id = %(id)s AND expires_at > clock_timestamp() AND released_at IS NULL
    RETURNING reservation_id
)
UPDATE booking.reservation
SET status = 'confirmed', purpose = %(purpose)s, version = version + 1, changed_at = %(now)s
WHERE id = (SELECT reservation_id FROM kept LIMIT 1) AND status = 'held'
RETURNING id

-- hold_expiry: When a hold is over.
SELECT min(expires_at) FROM booking.claim WHERE reservation_id = %(id)s AND released_at IS NULL

-- drop_held: Give back the time of a hold or of an offer that is over.
DELETE FROM booking.reservation WHERE id = %(id)s AND status = 'held'

-- viewer_of_person: What an active person may do, for rules that are judged while they are away.
SELECT p.id, p.member_id, p.locale,
       coalesce((SELECT array_agg(r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}')
FROM coop.person p WHERE p.id = %(person_id)s AND p.active

-- add_request: Somebody waits for time.
INSERT INTO booking.waitlist_request (id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, member_id,
    person_id, purpose, length_minutes, earliest_start, latest_end, status, created_at)
VALUES (%(id)s, %(machine_id)s, %(kind)s, %(range_x_mm)s, %(range_y_mm)s, %(range_z_mm)s, %(table_load_kg)s,
    %(member_id)s, %(person_id)s, %(purpose)s, %(length_minutes)s, %(earliest_start)s, %(latest_end)s, 'waiting', %(now)s)

-- machines_for: The machines in service that a request could be served with, by id.
SELECT id FROM coop.machine
WHERE in_service AND (id = %(machine_id)s::text OR kind = %(kind)s::text)
  AND (%(range_x_mm)s::numeric IS NULL OR range_x_mm >= %(range_x_mm)s)
  AND (%(range_y_mm)s::numeric IS NULL OR range_y_mm >= %(range_y_mm)s)
  AND (%(range_z_mm)s::numeric IS NULL OR range_z_mm >= %(range_z_mm)s)
  AND (%(table_load_kg)s::numeric IS NULL OR table_load_kg >= %(table_load_kg)s)
ORDER BY id

-- request_by_id: What somebody waits for.
SELECT id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, member_id, person_id, purpose,
       length_minutes, earliest_start, latest_end, status, created_at
FROM booking.waitlist_request WHERE id = %(id)s

-- requests_of: What a person, the people of a member, or everybody waits for, oldest first.
SELECT id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, member_id, person_id, purpose,
       length_minutes, earliest_start, latest_end, status, created_at
FROM booking.waitlist_request
WHERE status = 'waiting'
  AND (%(person_id)s::uuid IS NULL OR person_id = %(person_id)s)
  AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
ORDER BY created_at, id

-- end_request: A request is withdrawn, once.
UPDATE booking.waitlist_request SET status = 'withdrawn' WHERE id = %(id)s AND status = 'waiting' RETURNING id

-- lapse_waiting: Nobody waits any more for a time that cannot come.
UPDATE booking.waitlist_request w SET status = 'lapsed'
WHERE status = 'waiting' AND latest_end - length_minutes * interval '1 minute' <= %(now)s
  AND NOT EXISTS (SELECT FROM booking.offer o WHERE o.request_id = w.id AND o.answer IS NULL)

-- machines_waited_for: The machines that somebody waits for who has no offer, by id.
SELECT DISTINCT m.id
FROM booking.waitlist_request w
JOIN coop.machine m ON m.id = w.machine_id OR m.kind = w.kind
WHERE w.status = 'waiting' AND w.latest_end > %(now)s
  AND NOT EXISTS (SELECT FROM booking.offer o WHERE o.request_id = w.id AND o.answer IS NULL)
ORDER BY m.id

-- waiting_for: Who waits for time of a machine within a window and has no offer: the highest priority, then the oldest.
SELECT w.id, w.machine_id, w.kind, w.range_x_mm, w.range_y_mm, w.range_z_mm, w.table_load_kg, w.member_id, w.person_id,
       w.purpose, w.length_minutes, w.earliest_start, w.latest_end, w.status, w.created_at
FROM booking.waitlist_request w
JOIN coop.machine m ON m.id = %(machine_id)s AND (w.machine_id = m.id OR w.kind = m.kind)
    AND (w.range_x_mm IS NULL OR m.range_x_mm >= w.range_x_mm)
    AND (w.range_y_mm IS NULL OR m.range_y_mm >= w.range_y_mm)
    AND (w.range_z_mm IS NULL OR m.range_z_mm >= w.range_z_mm)
    AND (w.table_load_kg IS NULL OR m.table_load_kg >= w.table_load_kg)
CROSS JOIN coop.cooperative c
LEFT JOIN booking.priority y ON y.machine_id = m.id AND y.member_id = w.member_id
    AND y.valid @> (%(now)s::timestamptz AT TIME ZONE c.time_zone)::date
WHERE w.status = 'waiting' AND w.earliest_start < %(until)s AND w.latest_end > %(from)s
  AND NOT EXISTS (SELECT FROM booking.offer o WHERE o.request_id = w.id AND o.answer IS NULL)
ORDER BY CASE y.reason WHEN 'owner' THEN 2 WHEN 'committed' THEN 1 ELSE 0 END DESC, w.created_at, w.id

-- offered_before: The times of a machine that were offered for a request already.
SELECT lower(during), upper(during) FROM booking.offer WHERE request_id = %(request_id)s AND machine_id = %(machine_id)s

-- add_offer: Hold a slot for somebody for a while; nothing if they got another offer at the same moment.
INSERT INTO booking.offer (id, request_id, reservation_id, machine_id, during, offered_at, expires_at)
VALUES (%(id)s, %(request_id)s, %(reservation_id)s, %(machine_id)s, tstzrange(%(start)s, %(end)s), %(now)s,
        least(clock_timestamp() + %(lasts)s, %(start)s))
ON CONFLICT DO NOTHING
RETURNING id

-- offer_by_id: An offer with the person and the member it is made to.
SELECT o.id, o.request_id, o.reservation_id, o.machine_id, lower(o.during), upper(o.during), o.expires_at, o.answer,
       w.member_id, w.person_id
FROM booking.offer o JOIN booking.waitlist_request w ON w.id = o.request_id
WHERE o.id = %(id)s

-- open_offers: The offers that wait for an answer from a person, the people of a member, or anybody.
SELECT o.id, o.request_id, o.reservation_id, o.machine_id, lower(o.during), upper(o.during), o.expires_at, o.answer,
       w.member_id, w.person_id
FROM booking.offer o JOIN booking.waitlist_request w ON w.id = o.request_id
WHERE o.answer IS NULL
  AND (%(request_id)s::uuid IS NULL OR o.request_id = %(request_id)s)
  AND (%(person_id)s::uuid IS NULL OR w.person_id = %(person_id)s)
  AND (%(member_id)s::text IS NULL OR w.member_id = %(member_id)s)
ORDER BY o.expires_at, o.id

-- accept_offer: Take an offer that nobody answered and that is not over by the clock of the database.
WITH taken AS (
    UPDATE booking.offer SET answer = 'accepted', answered_at = clock_timestamp()
    WHERE id = %(id)s AND answer IS NULL AND expires_at > clock_timestamp()
    RETURNING request_id, reservation_id
), served AS (
    UPDATE booking.waitlist_request w SET status = 'served' FROM taken t WHERE w.id = t.request_id
)
UPDATE booking.reservation r SET status = 'confirmed', version = version + 1, changed_at = %(now)s
FROM taken t WHERE r.id = t.reservation_id AND r.status = 'held'
RETURNING r.id

-- decline_offer: Somebody does not want what is offered.
UPDATE booking.offer SET answer = 'declined', answered_at = clock_timestamp()
WHERE id = %(id)s AND answer IS NULL
RETURNING reservation_id

-- expire_offer: An offer is over by the clock of the database.
UPDATE booking.offer SET answer = 'expired', answered_at = clock_timestamp()
WHERE id = %(id)s AND answer IS NULL AND expires_at <= clock_timestamp()
RETURNING reservation_id

-- offers_over: The offers that nobody answered in time, the first first.
SELECT id FROM booking.offer
WHERE answer IS NULL AND expires_at <= clock_timestamp()
ORDER BY expires_at, id

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
    FROM come c WHERE r.machine_id = c.machine_id AND r.status = 'in_use' AND r.ends_at <= %(now)s
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

-- in_use_and_over: The reservations in use whose end has passed and whose machine is not known to run.
SELECT r.id FROM booking.reservation r
LEFT JOIN booking.signal s ON s.machine_id = r.machine_id
WHERE r.status = 'in_use' AND r.ends_at <= %(now)s
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

-- Series

-- add_series: Enter the rule of a series.
INSERT INTO booking.series (id, starts_at, ends_at, time_zone, rule, created_at)
VALUES (%(id)s, %(starts_at)s, %(ends_at)s, %(time_zone)s, %(rule)s, %(created_at)s)

-- add_occurrences: Enter reservations as occurrences of a series.
INSERT INTO booking.occurrence (reservation_id, series_id, recurrence_id)
SELECT o.reservation_id, %(series_id)s, o.recurrence_id
FROM unnest(%(reservation_ids)s::uuid[], %(recurrence_ids)s::timestamptz[]) AS o (reservation_id, recurrence_id)

-- series: One series, found by its own id or by one of its reservations.
SELECT s.id, s.starts_at, s.ends_at, s.time_zone, s.rule
FROM booking.series s
WHERE s.id = %(id)s OR s.id = (SELECT series_id FROM booking.occurrence WHERE reservation_id = %(id)s)

-- occurrences: The reservations of a series by the start that its rule gave them.
SELECT reservation_id, recurrence_id FROM booking.occurrence WHERE series_id = %(series_id)s ORDER BY recurrence_id

-- defer_overlaps: Let reservations pass over each other until check_overlaps.
SET CONSTRAINTS booking.claim_no_overlap DEFERRED

-- check_overlaps: Whether no claim overlaps another, from now on at once.
SET CONSTRAINTS booking.claim_no_overlap IMMEDIATE

-- overlapping: Which of some reservations overlap what is not theirs, on any resource, while overlaps are deferred.
SELECT DISTINCT c.reservation_id
FROM booking.claim c
JOIN booking.claim o ON o.resource_id = c.resource_id AND o.blocked && c.blocked AND o.id <> c.id
WHERE c.reservation_id = ANY (%(reservation_ids)s) AND c.released_at IS NULL AND o.released_at IS NULL

-- Services, pools, outages

-- lock_resources: Lock resources in the order of their ids until the transaction ends.
SELECT r.id FROM booking.resource r WHERE r.id = ANY (%(resource_ids)s) ORDER BY r.id FOR NO KEY UPDATE

-- service_of: A service with its needs, one row for each, and the units in service that can meet it.
SELECT s.approval_minutes, n.name, n.optional,
       ARRAY(SELECT r.id FROM booking.resource r LEFT JOIN coop.machine m ON m.id = r.machine_id
             WHERE (r.id = n.unit_id
                    OR r.id IN (SELECT u.resource_id FROM booking.pool_unit u WHERE u.pool_id = n.pool_id))
               AND r.in_service AND coalesce(m.in_service, true)
             ORDER BY r.id),
       n.from_edge, n.from_minutes, n.until_edge, n.until_minutes
FROM booking.service s
LEFT JOIN booking.service_need n ON n.resource_id = s.resource_id AND n.kind = s.kind
WHERE s.resource_id = %(resource_id)s AND s.kind = %(kind)s
ORDER BY n.name

-- resource_hours: When resources are there, weekly.
SELECT h.resource_id, h.iso_weekday, h.opens, h.closes FROM booking.resource_hours h
WHERE h.resource_id = ANY (%(resource_ids)s)
ORDER BY h.resource_id, h.iso_weekday, h.opens

-- busy: The times at which some resources are taken within a window, other than by one reservation.
SELECT c.resource_id, lower(c.blocked), upper(c.blocked)
FROM booking.claim c
WHERE c.resource_id = ANY (%(resource_ids)s) AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
  AND (%(but_for)s::uuid IS NULL OR c.reservation_id IS DISTINCT FROM %(but_for)s)
ORDER BY c.resource_id, lower(c.blocked)

-- units_of: Which unit each need of a reservation has.
SELECT c.need, c.resource_id FROM booking.claim c
WHERE c.reservation_id = %(reservation_id)s AND c.need IS NOT NULL AND c.released_at IS NULL

-- person_terms: Whether a person can be booked without a machine.
SELECT r.in_service, c.time_zone FROM booking.resource r CROSS JOIN coop.cooperative c
WHERE r.id = %(resource_id)s AND r.kind = 'person'

-- conditions: What a machine asks by the version of its policy that decides now, and what is known of its fitness.
SELECT m.kind,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(h.country, lower(h.valid), upper(h.valid))), '[]')
        FROM booking.holiday_closing h WHERE h.machine_id = m.id),
       y.notice_minutes, y.cancel_minutes, y.priority_horizon_days, y.nonmembers_allowed, y.nonmember_horizon_days,
       y.required_level, y.supervised_level, y.calibration_required, y.daily_check_required, y.coldest_celsius,
       y.warmest_celsius, y.temperature_denies, y.soak_minutes, y.soak_denies,
       (SELECT max(b.valid_until) FROM booking.calibration b WHERE b.machine_id = m.id), k.failed_at, k.passed_at,
       t.celsius, t.at
FROM coop.machine m
CROSS JOIN coop.cooperative c
JOIN booking.policy y ON y.machine_id = m.id AND y.valid @> (now() AT TIME ZONE c.time_zone)::date
LEFT JOIN booking.room_temperature t ON t.machine_id = m.id
CROSS JOIN LATERAL (
    SELECT max(last.checked_at) FILTER (WHERE NOT last.passed) AS failed_at,
           CASE WHEN bool_and(coalesce(last.passed, false)) THEN min(last.checked_at) END AS passed_at
    FROM booking.master a
    LEFT JOIN LATERAL (SELECT checked_at, passed FROM booking.master_check
                       WHERE master_id = a.id ORDER BY checked_at DESC LIMIT 1) last ON true
    WHERE a.machine_id = m.id AND a.retired_at IS NULL) k
WHERE m.id = %(machine_id)s

-- calendar_exceptions: The closures and extra openings of some machines, of all if none is named; not those long over.
SELECT m.id, lower(e.during), upper(e.during), e.opens
FROM booking.calendar_exception e
JOIN coop.machine m ON m.id = e.machine_id OR (e.machine_id IS NULL AND (e.site IS NULL OR e.site = m.site))
WHERE upper(e.during) > now() - interval '400 days'
  AND (%(machine_ids)s::text[] IS NULL OR m.id = ANY (%(machine_ids)s))
ORDER BY m.id, lower(e.during)

-- holiday_closings: On which public holidays machines are closed, and from when until when.
SELECT machine_id, country, lower(valid), upper(valid) FROM booking.holiday_closing ORDER BY machine_id, lower(valid)

-- standing: Who somebody is to a machine: member, priority, gauge, qualification, instructor, soaking. One row.
SELECT m.is_member,
       EXISTS (SELECT FROM booking.priority p
               WHERE p.machine_id = %(machine_id)s AND p.member_id = m.id AND p.valid @> %(day)s::date),
       u.percent, u.warn_percent, u.deny_percent, x.soaks_from,
       NOT EXISTS (SELECT FROM booking.resource o JOIN booking.claim c ON c.resource_id = o.id
                   WHERE o.person_id = x.instructor_id AND c.blocked && tstzrange(%(start)s, %(end)s)
                     AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
                     AND c.reservation_id IS DISTINCT FROM %(reservation_id)s::uuid),
       CASE WHEN %(supervises)s THEN
           (SELECT array_agg(n.name ORDER BY n.name) FROM booking.qualification i JOIN coop.person n ON n.id = i.person_id
            WHERE i.machine_kind = %(kind)s AND i.level >= %(instructs_from)s AND n.active
              AND i.valid @> tstzrange(%(start)s, %(end)s)) END,
       q.level, q.valid_until, q.last_used_at, q.lapse_after_days,
       t.level, t.valid_until, t.last_used_at, t.lapse_after_days
FROM coop.member m
LEFT JOIN booking.nonmember_use u ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN %(stored)s THEN s.instructor_id ELSE %(instructor_id)s::uuid END AS instructor_id,
           CASE WHEN %(stored)s THEN s.soaks_from ELSE %(soaks_from)s::timestamptz END AS soaks_from
    FROM (SELECT 1) one LEFT JOIN booking.preparation s ON s.reservation_id = %(reservation_id)s::uuid) x
LEFT JOIN LATERAL booking.qualified(%(person_id)s::uuid, %(kind)s, %(start)s) q ON true
LEFT JOIN LATERAL booking.qualified(x.instructor_id, %(kind)s, %(start)s) t ON true
WHERE m.id = %(member_id)s

-- member_standing: Whether somebody is a member, and comes first on a machine.
SELECT m.is_member, EXISTS (SELECT FROM booking.priority p
                            WHERE p.machine_id = %(machine_id)s AND p.member_id = m.id
                              AND p.valid @> (now() AT TIME ZONE c.time_zone)::date)
FROM coop.member m CROSS JOIN coop.cooperative c
WHERE m.id = %(member_id)s

-- quotas_used: The limits of a holder on a machine, and what is used of each; the member is locked.
SELECT q.holder, q.span, q.most,
       (SELECT CASE q.span WHEN 'at_once' THEN count(*)
               ELSE ceil(coalesce(sum(extract(epoch FROM r.ends_at - r.starts_at)), 0) / 60) END
        FROM booking.reservation r
        WHERE r.member_id = %(member_id)s AND (q.holder = 'member' OR r.person_id = %(person_id)s)
          AND (q.machine_id IS NULL OR r.machine_id = q.machine_id)
          AND r.id IS DISTINCT FROM %(reservation_id)s::uuid
          AND r.ends_at > CASE q.span WHEN 'at_once' THEN %(now)s WHEN 'week' THEN %(week_from)s ELSE %(month_from)s END
          AND (q.span <> 'week' OR r.starts_at >= %(week_from)s AND r.starts_at < %(week_until)s)
          AND (q.span <> 'month' OR r.starts_at >= %(month_from)s AND r.starts_at < %(month_until)s)
          AND (r.status IN ('pending', 'confirmed', 'in_use') OR (r.status = 'done' AND q.span <> 'at_once')
               OR (r.status = 'held' AND NOT EXISTS (SELECT FROM booking.claim c WHERE c.reservation_id = r.id
                                                     AND c.expires_at <= clock_timestamp()))))
FROM booking.quota q
WHERE q.valid @> %(day)s::date AND (q.machine_id IS NULL OR q.machine_id = %(machine_id)s)
  AND (q.holder = 'member' OR %(person_id)s::uuid IS NOT NULL)
ORDER BY q.id

-- instructor_of: The instructor of a reservation, or one who is named, as a resource that can be claimed.
SELECT o.id FROM booking.resource o
WHERE o.person_id = coalesce(%(instructor_id)s::uuid,
                             (SELECT instructor_id FROM booking.preparation WHERE reservation_id = %(reservation_id)s::uuid))

-- enter_instructor: Who instructs can be claimed like a machine.
INSERT INTO booking.resource (id, kind, person_id, name_ja, name_en)
SELECT 'p-' || left(replace(p.id::text, '-', ''), 28), 'person', p.id, p.name, p.name
FROM coop.person p WHERE p.id = %(person_id)s
ON CONFLICT DO NOTHING

-- places: Which of some resources are places to soak a part.
SELECT id FROM booking.resource WHERE id = ANY (%(resource_ids)s) AND kind = 'place'

-- prepare_reservation: Keep who instructs the person of a reservation and since when its part soaks.
INSERT INTO booking.preparation (reservation_id, instructor_id, soaks_from)
VALUES (%(reservation_id)s, %(instructor_id)s, %(soaks_from)s)

-- answer_request: Confirm or decline a request that nobody changed and whose time is not over by the database's clock.
WITH answered AS (
    UPDATE booking.claim
    SET expires_at = NULL, released_at = CASE WHEN %(status)s = 'declined' THEN %(now)s::timestamptz END
    WHERE reservation_id = %(id)s AND released_at IS NULL AND expires_at > clock_timestamp()
    RETURNING reservation_id
)
UPDATE booking.reservation
SET status = %(status)s, version = version + 1, changed_at = %(now)s
WHERE id IN (SELECT reservation_id FROM answered) AND status = 'pending' AND version = %(version)s

-- lapse_requests: Decline the requests whose time is over by the database's clock; one that is being answered waits.
WITH over AS (
    SELECT r.id FROM booking.reservation r
    WHERE r.status = 'pending'
      AND r.id IN (SELECT c.reservation_id FROM booking.claim c
                   WHERE c.expires_at <= clock_timestamp() AND c.released_at IS NULL
                     AND (%(resource_ids)s::text[] IS NULL OR c.resource_id = ANY (%(resource_ids)s)))
    FOR UPDATE SKIP LOCKED
), given_back AS (
    UPDATE booking.claim c SET released_at = %(now)s, expires_at = NULL FROM over
    WHERE c.reservation_id = over.id AND c.released_at IS NULL
)
UPDATE booking.reservation r
SET status = 'declined', version = version + 1, changed_at = %(now)s
FROM over WHERE r.id = over.id
RETURNING r.id

-- Feeds and messages

-- add_feed: Enter a calendar by the digest of its secret.
INSERT INTO booking.feed (id, secret_hash, person_id, machine_id, member_id, created_at)
VALUES (%(id)s, %(secret_hash)s, %(person_id)s, %(machine_id)s, %(member_id)s, %(now)s)
RETURNING id, machine_id, member_id, created_at

-- feeds_of: A person's calendars that are not revoked, newest first.
SELECT id, machine_id, member_id, created_at FROM booking.feed
WHERE person_id = %(person_id)s AND revoked_at IS NULL
ORDER BY created_at DESC, id

-- revoke_feed: End one of a person's calendars.
UPDATE booking.feed SET revoked_at = %(now)s
WHERE id = %(id)s AND person_id = %(person_id)s AND revoked_at IS NULL
RETURNING id

-- feed_by_secret: A calendar, what it is of, and its person with the rights they have now.
SELECT f.id, f.machine_id, f.member_id, f.created_at, coalesce(c.name_ja, m.name, p.name),
       coalesce(c.name_en, m.name, p.name), p.id, p.member_id, p.locale,
       ARRAY(SELECT role FROM coop.person_role WHERE person_id = p.id), k.time_zone
FROM booking.feed f
JOIN coop.person p ON p.id = f.person_id AND p.active
LEFT JOIN coop.machine c ON c.id = f.machine_id
LEFT JOIN coop.member m ON m.id = f.member_id
CROSS JOIN coop.cooperative k
WHERE f.secret_hash = %(secret_hash)s AND f.revoked_at IS NULL

-- feed_plans: The reservations of a calendar that end after a time, with what was cancelled not long ago.
SELECT r.uid, r.member_id, m.name, r.person_id, p.name, r.starts_at, r.ends_at, r.status, r.purpose, r.version,
       r.created_at, r.changed_at, coalesce(c.name_ja, x.name), coalesce(c.name_en, x.name), coalesce(c.site, '')
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
LEFT JOIN coop.machine c ON c.id = r.machine_id
LEFT JOIN booking.resource a ON a.id = r.resource_id
LEFT JOIN coop.person x ON x.id = a.person_id
WHERE r.status <> 'held' AND r.ends_at > %(from)s
  AND (r.status NOT IN ('released', 'cancelled', 'declined') OR r.changed_at > %(cancelled_since)s)
  AND (%(machine_id)s::text IS NULL OR r.machine_id = %(machine_id)s)
  AND (%(member_id)s::text IS NULL OR r.member_id = %(member_id)s)
  AND (%(person_id)s::uuid IS NULL OR r.person_id = %(person_id)s OR EXISTS (
        SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
        WHERE k.reservation_id = r.id AND h.person_id = %(person_id)s
          AND (k.released_at IS NULL OR r.status IN ('released', 'cancelled', 'declined'))))
ORDER BY r.starts_at, r.id

-- feed_outages: When a machine cannot be used, after a time.
SELECT o.id, lower(o.during), upper(o.during), o.entered_at FROM booking.outage o
WHERE o.resource_id = %(machine_id)s AND upper(o.during) > %(from)s
ORDER BY o.during

-- message_preference: How a person wants to hear of their reservations.
SELECT channel FROM booking.message_preference WHERE person_id = %(person_id)s

-- prefer_channel: Remember how a person wants to hear of their reservations.
INSERT INTO booking.message_preference (person_id, channel) VALUES (%(person_id)s, %(channel)s)
ON CONFLICT (person_id) DO UPDATE SET channel = excluded.channel

-- subscribe_push: Enter a browser; one that is known already is the viewer's from now on.
INSERT INTO booking.push_subscription (person_id, endpoint, public_key, auth, created_at)
VALUES (%(person_id)s, %(endpoint)s, %(public_key)s, %(auth)s, %(now)s)
ON CONFLICT (endpoint) DO UPDATE
SET person_id = excluded.person_id, public_key = excluded.public_key, auth = excluded.auth
RETURNING id, endpoint, created_at

-- push_subscriptions_of: A person's browsers, newest first.
SELECT id, endpoint, created_at FROM booking.push_subscription
WHERE person_id = %(person_id)s
ORDER BY created_at DESC, id

-- revoke_push: Forget one of a person's browsers.
DELETE FROM booking.push_subscription WHERE id = %(id)s AND person_id = %(person_id)s RETURNING id

-- push_subscription: One browser and whose it is.
SELECT person_id, endpoint, public_key, auth FROM booking.push_subscription WHERE id = %(id)s

-- forget_push: Forget a browser that is gone.
DELETE FROM booking.push_subscription WHERE id = %(id)s

-- to_be_told: Its person (or who manages its member), whose it was, who helps, who may approve: how each is told.
SELECT p.id, coalesce(y.channel, 'mail'),
       ARRAY(SELECT s.id FROM booking.push_subscription s WHERE s.person_id = p.id ORDER BY s.id),
       %(asks)s AND o.approves AND p.id IS DISTINCT FROM %(person_id)s,
       coalesce(p.id = %(person_id)s, p.member_id = %(member_id)s)
FROM coop.person p
LEFT JOIN booking.message_preference y ON y.person_id = p.id
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(o.role = ANY (%(approvers)s)), false) AS approves,
           coalesce(bool_or(o.role = 'member_manager'), false) AS manages
    FROM coop.person_role o WHERE o.person_id = p.id) AS o
WHERE p.active AND (
    p.id IN (%(person_id)s, %(was_person_id)s)
    OR (%(person_id)s::uuid IS NULL AND p.member_id = %(member_id)s AND o.manages)
    OR (%(asks)s AND o.approves)
    OR EXISTS (SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
               WHERE k.reservation_id = %(reservation_id)s AND h.person_id = p.id))
ORDER BY p.id

-- add_message: Enter that a person is told of an event; a second time enters nothing.
INSERT INTO booking.message (event_id, person_id, channel, created_at)
VALUES (%(event_id)s, %(person_id)s, %(channel)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING event_id

-- message_is_open: Whether a message waits to be sent.
SELECT sent_at IS NULL FROM booking.message
WHERE event_id = %(event_id)s AND person_id = %(person_id)s AND channel = %(channel)s

-- message_sent: Remember that a message was sent.
UPDATE booking.message SET sent_at = %(now)s
WHERE event_id = %(event_id)s AND person_id = %(person_id)s AND channel = %(channel)s

-- message_facts: What a person must know of a reservation, and how to reach them.
SELECT p.name, p.email, p.locale, r.uid, r.created_at, coalesce(c.name_ja, x.name), coalesce(c.name_en, x.name),
       coalesce(c.site, ''), coalesce(y.cancel_minutes, 0), coalesce(y.soak_minutes, 0),
       (SELECT min(lower(k.blocked)) FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
        WHERE k.reservation_id = r.id AND h.kind = 'place' AND k.released_at IS NULL),
       ARRAY(SELECT DISTINCT q.name FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
             JOIN coop.person q ON q.id = h.person_id
             WHERE k.reservation_id = r.id AND k.released_at IS NULL AND q.id <> p.id ORDER BY q.name),
       EXISTS (SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
               WHERE k.reservation_id = r.id AND h.person_id = p.id),
       EXISTS (SELECT FROM coop.person_role l WHERE l.person_id = p.id AND l.role = ANY (%(approvers)s)),
       (SELECT min(k.expires_at) FROM booking.claim k WHERE k.reservation_id = r.id AND k.released_at IS NULL),
       m.name, o.name, g.name, g.time_zone
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person o ON o.id = r.person_id
LEFT JOIN coop.machine c ON c.id = r.machine_id
LEFT JOIN booking.policy y ON y.machine_id = r.machine_id
LEFT JOIN booking.resource a ON a.id = r.resource_id
LEFT JOIN coop.person x ON x.id = a.person_id
CROSS JOIN coop.cooperative g
JOIN coop.person p ON p.id = %(person_id)s AND p.active
WHERE r.id = %(reservation_id)s

-- forget_messages: Messages and deliveries of long ago are nobody's business any more.
WITH forgotten AS (DELETE FROM booking.message WHERE created_at < %(before)s)
DELETE FROM booking.webhook_delivery WHERE created_at < %(before)s

-- add_webhook: Enter a program that is told of every reservation.
INSERT INTO booking.webhook (url, created_by, created_at) VALUES (%(url)s, %(person_id)s, %(now)s)
RETURNING id, url, created_at

-- webhooks: The programs that are told, newest first.
SELECT id, url, created_at FROM booking.webhook WHERE stopped_at IS NULL ORDER BY created_at DESC, id

-- stop_webhook: Tell a program no more.
UPDATE booking.webhook SET stopped_at = %(now)s WHERE id = %(id)s AND stopped_at IS NULL RETURNING id

-- add_deliveries: Enter an event for every program that is told; a second time enters nothing.
INSERT INTO booking.webhook_delivery (webhook_id, event_id, type, body, created_at)
SELECT w.id, %(event_id)s, %(type)s, %(body)s, %(now)s FROM booking.webhook w WHERE w.stopped_at IS NULL
ON CONFLICT ON CONSTRAINT webhook_delivery_once_per_event DO NOTHING
RETURNING id

-- open_delivery: What is to be delivered and where; nothing if it was, or if its program is told no more.
SELECT w.id, w.url, d.event_id, d.body FROM booking.webhook_delivery d JOIN booking.webhook w ON w.id = d.webhook_id
WHERE d.id = %(id)s AND d.delivered_at IS NULL AND w.stopped_at IS NULL

-- note_attempt: Remember what became of an attempt to deliver.
UPDATE booking.webhook_delivery
SET attempts = attempts + 1, last_attempt_at = %(now)s, last_status = %(status)s, last_error = %(error)s,
    delivered_at = CASE WHEN %(delivered)s THEN %(now)s::timestamptz END
WHERE id = %(id)s

-- deliveries: What a program was told, newest first.
SELECT id, event_id, type, created_at, attempts, last_attempt_at, last_status, last_error, delivered_at
FROM booking.webhook_delivery
WHERE webhook_id = %(webhook_id)s
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s

-- policies: All versions of what a machine asks, by their first day.
SELECT lower(valid), upper(valid), granularity_minutes, shortest_minutes, longest_minutes, horizon_days, notice_minutes,
       cancel_minutes, priority_horizon_days, nonmembers_allowed, nonmember_horizon_days, required_level,
       supervised_level, calibration_required, daily_check_required, coldest_celsius, warmest_celsius,
       temperature_denies, soak_minutes, soak_denies
FROM booking.policy WHERE machine_id = %(machine_id)s ORDER BY lower(valid)

-- policy_on: The version that decides on a day.
SELECT lower(y.valid), upper(y.valid), y.granularity_minutes, y.shortest_minutes, y.longest_minutes, y.horizon_days,
       y.notice_minutes, y.cancel_minutes, y.priority_horizon_days, y.nonmembers_allowed, y.nonmember_horizon_days,
       y.required_level, y.supervised_level, y.calibration_required, y.daily_check_required, y.coldest_celsius,
       y.warmest_celsius, y.temperature_denies, y.soak_minutes, y.soak_denies
FROM booking.policy y
WHERE y.machine_id = %(machine_id)s AND y.valid @> %(valid_from)s::date

-- end_policy: End the version that decides on a day the day before; one that begins that day gives way.
WITH gives_way AS (
    DELETE FROM booking.policy WHERE machine_id = %(machine_id)s AND lower(valid) = %(valid_from)s
)
UPDATE booking.policy SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND valid @> %(valid_from)s::date AND lower(valid) < %(valid_from)s

-- add_policy: Enter a version of what a machine asks.
INSERT INTO booking.policy (
    machine_id, valid, granularity_minutes, shortest_minutes, longest_minutes, horizon_days, notice_minutes,
    cancel_minutes, priority_horizon_days, nonmembers_allowed, nonmember_horizon_days, required_level, supervised_level,
    calibration_required, daily_check_required, coldest_celsius, warmest_celsius, temperature_denies, soak_minutes,
    soak_denies)
VALUES (
    %(machine_id)s, daterange(%(valid_from)s, %(valid_until)s), %(granularity_minutes)s, %(shortest_minutes)s,
    %(longest_minutes)s, %(horizon_days)s, %(notice_minutes)s, %(cancel_minutes)s, %(priority_horizon_days)s,
    %(nonmembers_allowed)s, %(nonmember_horizon_days)s, %(required_level)s, %(supervised_level)s,
    %(calibration_required)s, %(daily_check_required)s, %(coldest_celsius)s, %(warmest_celsius)s,
    %(temperature_denies)s, %(soak_minutes)s, %(soak_denies)s)

-- quotas: All quotas there are, were and will be.
SELECT machine_id, holder, span, most, lower(valid), upper(valid) FROM booking.quota
ORDER BY machine_id NULLS FIRST, holder, span, lower(valid)

-- forget_quota: A quota that was to begin on a day or later does not.
DELETE FROM booking.quota
WHERE machine_id IS NOT DISTINCT FROM %(machine_id)s::text AND holder = %(holder)s AND span = %(span)s
  AND lower(valid) >= %(valid_from)s

-- end_quota: End a quota the day before a day.
UPDATE booking.quota SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id IS NOT DISTINCT FROM %(machine_id)s::text AND holder = %(holder)s AND span = %(span)s
  AND valid @> %(valid_from)s::date

-- add_quota: Enter a quota from a day on.
INSERT INTO booking.quota (machine_id, holder, span, most, valid)
VALUES (%(machine_id)s, %(holder)s, %(span)s, %(most)s, daterange(%(valid_from)s, NULL))

-- priorities: Who comes first on a machine, was and will.
SELECT machine_id, member_id, reason, lower(valid), upper(valid) FROM booking.priority
WHERE machine_id = %(machine_id)s ORDER BY member_id, lower(valid)

-- forget_priority: A priority that was to begin on a day or later does not.
DELETE FROM booking.priority
WHERE machine_id = %(machine_id)s AND member_id = %(member_id)s AND lower(valid) >= %(valid_from)s

-- end_priority: End a priority the day before a day.
UPDATE booking.priority SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND member_id = %(member_id)s AND valid @> %(valid_from)s::date

-- add_priority: Let a member come first from a day on.
INSERT INTO booking.priority (machine_id, member_id, reason, valid)
VALUES (%(machine_id)s, %(member_id)s, %(reason)s, daterange(%(valid_from)s, NULL))

-- nonmember_use: Non-members' share of members' use, as it was last told.
SELECT percent, warn_percent, deny_percent, told_at FROM booking.nonmember_use

-- tell_nonmember_use: Set non-members' share of members' use.
INSERT INTO booking.nonmember_use (percent, warn_percent, deny_percent, told_at)
VALUES (%(percent)s, %(warn_percent)s, %(deny_percent)s, %(told_at)s)
ON CONFLICT (only_one) DO UPDATE SET percent = EXCLUDED.percent, warn_percent = EXCLUDED.warn_percent,
    deny_percent = EXCLUDED.deny_percent, told_at = EXCLUDED.told_at

-- forget_holiday_closing: A closing on holidays that was to begin on a day or later does not.
DELETE FROM booking.holiday_closing WHERE machine_id = %(machine_id)s AND lower(valid) >= %(valid_from)s

-- end_holiday_closing: End a closing on holidays the day before a day.
UPDATE booking.holiday_closing SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND valid @> %(valid_from)s::date

-- add_holiday_closing: Close a machine on the public holidays of a country from a day on.
INSERT INTO booking.holiday_closing (machine_id, country, valid)
VALUES (%(machine_id)s, %(country)s, daterange(%(valid_from)s, NULL))

-- exceptions_between: Closures and extra openings that touch a window, for the list of the office.
SELECT id, machine_id, site, lower(during), upper(during), opens, reason FROM booking.calendar_exception
WHERE during && tstzrange(%(from)s, %(until)s) ORDER BY lower(during), id

-- add_exception: Close or open a machine, a site or all of them for a time.
INSERT INTO booking.calendar_exception (machine_id, site, during, opens, reason)
VALUES (%(machine_id)s, %(site)s, tstzrange(%(from)s, %(until)s), %(opens)s, %(reason)s)
RETURNING id

-- remove_exception: Take a closure or extra opening back.
DELETE FROM booking.calendar_exception WHERE id = %(id)s RETURNING machine_id, site, lower(during), upper(during)

-- add_outage: Enter an outage; outage_one_at_a_time decides whether there is one already.
INSERT INTO booking.outage (id, resource_id, kind, during, reason, entered_by, entered_at)
VALUES (%(id)s, %(resource_id)s, %(kind)s, tstzrange(%(from)s, %(until)s), %(reason)s, %(person_id)s, %(now)s)

-- claim_outage: Take all the time of an outage; claim_no_overlap decides whether it is free.
INSERT INTO booking.claim (outage_id, resource_id, blocked)
SELECT o.id, o.resource_id, o.during FROM booking.outage o WHERE o.id = %(id)s

-- fill_outage: Take the time of an outage that nobody has.
SELECT booking.fill_outage(%(id)s)

-- end_outage: Give back the rest of an outage's time.
WITH ended AS (
    UPDATE booking.outage SET during = tstzrange(lower(during), %(now)s) WHERE id = %(id)s
), given_back AS (
    DELETE FROM booking.claim WHERE outage_id = %(id)s AND lower(blocked) >= %(now)s
)
UPDATE booking.claim SET blocked = tstzrange(lower(blocked), %(now)s)
WHERE outage_id = %(id)s AND blocked @> %(now)s::timestamptz AND lower(blocked) < %(now)s

-- delete_outage: Take back an outage that has not begun.
DELETE FROM booking.outage WHERE id = %(id)s

-- outage_by_id: One outage.
SELECT o.id, o.resource_id, o.kind, lower(o.during), upper(o.during), o.reason FROM booking.outage o WHERE o.id = %(id)s

-- outages: The outages within a window, by start.
SELECT o.id, o.resource_id, o.kind, lower(o.during), upper(o.during), o.reason FROM booking.outage o
WHERE o.during && tstzrange(%(from)s, %(until)s) AND (%(resource_id)s::text IS NULL OR o.resource_id = %(resource_id)s)
ORDER BY lower(o.during), o.resource_id

-- change_holder: Say whose a reservation is now, and when they come, if nobody changed it meanwhile.
UPDATE booking.reservation
SET person_id = %(person_id)s, expected_at = %(expected_at)s, version = version + 1, changed_at = %(now)s
WHERE id = %(id)s AND version = %(version)s

-- add_commission_step: Write down a step of a commissioned measurement; its reservation has another version then.
WITH taken AS (
    INSERT INTO booking.commission_step (reservation_id, step, at, by_id, quote_yen)
    VALUES (%(reservation_id)s, %(step)s, %(now)s, %(by_id)s, %(quote_yen)s)
)
UPDATE booking.reservation SET version = version + 1, changed_at = %(now)s WHERE id = %(reservation_id)s

-- commission_steps: The steps of a commissioned measurement so far, in the order in which they were taken.
SELECT s.step, s.at, s.by_id, s.quote_yen FROM booking.commission_step s
WHERE s.reservation_id = %(reservation_id)s
ORDER BY array_position(ARRAY['received', 'quoted', 'measured', 'delivered', 'returned'], s.step)

-- lend: A tester leaves the house.
WITH out AS (INSERT INTO booking.loan (reservation_id, out_at) VALUES (%(id)s, %(now)s))
UPDATE booking.reservation SET status = 'in_use', version = version + 1, changed_at = %(now)s WHERE id = %(id)s

-- take_back: A tester is back, and all that was claimed with it.
WITH back AS (
    UPDATE booking.loan SET returned_at = %(now)s WHERE reservation_id = %(id)s
), given_back AS (
    UPDATE booking.claim SET released_at = %(now)s WHERE reservation_id = %(id)s AND released_at IS NULL
)
UPDATE booking.reservation SET status = 'done', version = version + 1, changed_at = %(now)s WHERE id = %(id)s

-- loans_out: The reservations whose tester is out, the earliest due first.
SELECT r.id, l.out_at FROM booking.loan l JOIN booking.reservation r ON r.id = l.reservation_id
WHERE l.returned_at IS NULL
ORDER BY r.ends_at, r.id

-- add_resource: Enter a person, an accessory or a place that can be claimed.
INSERT INTO booking.resource (id, kind, name_ja, name_en, person_id, in_service)
VALUES (%(id)s, %(kind)s, %(name_ja)s, %(name_en)s, %(person_id)s, %(in_service)s)

-- add_resource_hours: When a resource is there on one weekday.
INSERT INTO booking.resource_hours (resource_id, iso_weekday, opens, closes)
VALUES (%(resource_id)s, %(iso_weekday)s, %(opens)s, %(closes)s)

-- resources: All resources other than machines, by id.
SELECT r.id, r.kind, r.name_ja, r.name_en, r.person_id, r.in_service FROM booking.resource r
WHERE r.kind <> 'machine' ORDER BY r.id

-- put_pool: A pool and its names.
INSERT INTO booking.pool (id, name_ja, name_en) VALUES (%(id)s, %(name_ja)s, %(name_en)s)
ON CONFLICT (id) DO UPDATE SET name_ja = EXCLUDED.name_ja, name_en = EXCLUDED.name_en

-- clear_pool: Take from a pool the units that are not named.
DELETE FROM booking.pool_unit WHERE pool_id = %(id)s AND resource_id <> ALL (%(unit_ids)s)

-- fill_pool: Give a pool the units that are named.
INSERT INTO booking.pool_unit (pool_id, resource_id) SELECT %(id)s, unnest(%(unit_ids)s::text[]) ON CONFLICT DO NOTHING

-- pool_units: The units of a pool that are in service, by id.
SELECT u.resource_id FROM booking.pool_unit u
JOIN booking.resource r ON r.id = u.resource_id
LEFT JOIN coop.machine m ON m.id = r.machine_id
WHERE u.pool_id = %(pool_id)s AND r.in_service AND coalesce(m.in_service, true)
ORDER BY u.resource_id

-- put_service: A service of a machine, and how long a request for it may wait.
INSERT INTO booking.service (resource_id, kind, approval_minutes)
VALUES (%(resource_id)s, %(kind)s, %(approval_minutes)s)
ON CONFLICT (resource_id, kind) DO UPDATE SET approval_minutes = EXCLUDED.approval_minutes

-- clear_needs: A service needs nothing beside its machine.
DELETE FROM booking.service_need WHERE resource_id = %(resource_id)s AND kind = %(kind)s

-- add_need: One more need of a service.
INSERT INTO booking.service_need (resource_id, kind, name, unit_id, pool_id, from_edge, from_minutes, until_edge,
                                  until_minutes, optional)
VALUES (%(resource_id)s, %(kind)s, %(name)s, %(unit_id)s, %(pool_id)s, %(from_edge)s, %(from_minutes)s, %(until_edge)s,
        %(until_minutes)s, %(optional)s)

-- services: The services of a machine, one row for each need.
SELECT s.kind, s.approval_minutes, n.name, n.unit_id, n.pool_id, n.from_edge, n.from_minutes, n.until_edge,
       n.until_minutes, n.optional
FROM booking.service s
LEFT JOIN booking.service_need n ON n.resource_id = s.resource_id AND n.kind = s.kind
WHERE s.resource_id = %(resource_id)s
ORDER BY s.kind, n.name

-- claims_of: What a reservation takes, the machine first.
SELECT c.resource_id, lower(c.blocked), upper(c.blocked), c.need FROM booking.claim c
WHERE c.reservation_id = %(reservation_id)s AND c.released_at IS NULL
ORDER BY c.need NULLS FIRST

-- add_calibration: Enter a calibration certificate.
INSERT INTO booking.calibration (id, machine_id, number, issued_on, valid_until, document)
VALUES (%(id)s, %(machine_id)s, %(number)s, %(issued_on)s, %(valid_until)s, %(document)s)

-- calibrations: The calibration certificates of a machine, the newest first.
SELECT id, machine_id, number, issued_on, valid_until, document FROM booking.calibration
WHERE machine_id = %(machine_id)s ORDER BY valid_until DESC, number

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

-- checks: The checks of a machine within a window, the newest first.
SELECT k.id, a.machine_id, a.name, a.unit, k.checked_at, k.value, k.lower_limit, k.upper_limit, k.passed
FROM booking.master_check k JOIN booking.master a ON a.id = k.master_id
WHERE a.machine_id = %(machine_id)s AND k.checked_at >= %(from)s AND k.checked_at < %(until)s
ORDER BY k.checked_at DESC, a.name

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

-- recalls: Uses in doubt of one person, of a member's unnamed ones, or of everybody; the newest first.
SELECT c.id, k.id, a.machine_id, a.name, k.checked_at, r.id, r.starts_at, r.ends_at, r.member_id, m.name, r.person_id,
       p.name, c.found_at, c.seen_at
FROM booking.recall c
JOIN booking.master_check k ON k.id = c.check_id
JOIN booking.master a ON a.id = k.master_id
JOIN booking.reservation r ON r.id = c.reservation_id
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE %(everybody)s OR r.person_id = %(person_id)s::uuid OR (r.person_id IS NULL AND r.member_id = %(member_id)s::text)
ORDER BY c.found_at DESC, r.starts_at DESC, c.id
LIMIT %(limit)s

-- see_recall: Its person has read a recall; a second time changes nothing.
UPDATE booking.recall c SET seen_at = coalesce(c.seen_at, %(now)s)
FROM booking.reservation r
WHERE c.id = %(id)s AND r.id = c.reservation_id
  AND (r.person_id = %(person_id)s::uuid OR (r.person_id IS NULL AND r.member_id = %(member_id)s::text))
RETURNING c.id

-- record_temperature: Keep the last temperature of the room around a machine; an older one changes nothing.
INSERT INTO booking.room_temperature (machine_id, at, celsius) VALUES (%(machine_id)s, %(at)s, %(celsius)s)
ON CONFLICT (machine_id) DO UPDATE SET at = EXCLUDED.at, celsius = EXCLUDED.celsius
WHERE booking.room_temperature.at < EXCLUDED.at

-- fitness: What is known of a machine's fitness.
SELECT t.celsius, t.at, (SELECT max(b.valid_until) FROM booking.calibration b WHERE b.machine_id = m.id)
FROM coop.machine m LEFT JOIN booking.room_temperature t ON t.machine_id = m.id
WHERE m.id = %(machine_id)s

-- grant_qualification: Grant a person a level for a kind of machine from now on.
INSERT INTO booking.qualification (id, person_id, machine_kind, level, valid, granted_by)
VALUES (%(id)s, %(person_id)s, %(machine_kind)s, %(level)s, tstzrange(%(now)s, %(valid_until)s), %(granted_by)s)

-- end_qualification: What a person was granted for a kind of machine ends now.
UPDATE booking.qualification SET valid = tstzrange(lower(valid), %(now)s)
WHERE person_id = %(person_id)s AND machine_kind = %(machine_kind)s AND valid @> %(now)s::timestamptz
  AND lower(valid) < %(now)s
RETURNING id

-- forget_qualification: What a person was granted for a kind of machine in this very moment gives way.
DELETE FROM booking.qualification
WHERE person_id = %(person_id)s AND machine_kind = %(machine_kind)s AND lower(valid) >= %(now)s

-- qualifications: What one person was granted, or everybody, and when it ends by date or by non-use.
SELECT q.id, q.person_id, p.name, p.member_id, q.machine_kind, q.level, lower(q.valid), upper(q.valid), q.granted_by,
       h.last_used_at, h.lapse_after_days
FROM booking.qualification q
JOIN coop.person p ON p.id = q.person_id
LEFT JOIN LATERAL booking.qualified(q.person_id, q.machine_kind, %(now)s) h ON true
WHERE (%(person_id)s::uuid IS NULL OR q.person_id = %(person_id)s) AND (upper(q.valid) IS NULL OR upper(q.valid) > %(now)s)
ORDER BY q.machine_kind, p.name, lower(q.valid), q.id

-- instructors: Who may instruct on machines of a kind now.
SELECT p.id, p.name FROM booking.qualification q JOIN coop.person p ON p.id = q.person_id
WHERE q.machine_kind = %(machine_kind)s AND q.level >= %(instructs_from)s AND q.valid @> %(now)s::timestamptz AND p.active
ORDER BY p.name, p.id

-- set_lapse: Say after how many days without use qualifications for a kind of machine lapse.
INSERT INTO booking.qualification_rule (machine_kind, lapse_after_days) VALUES (%(machine_kind)s, %(lapse_after_days)s)
ON CONFLICT (machine_kind) DO UPDATE SET lapse_after_days = EXCLUDED.lapse_after_days

-- end_lapse: Qualifications for a kind of machine do not lapse.
DELETE FROM booking.qualification_rule WHERE machine_kind = %(machine_kind)s

-- add_training: Offer a training with seats.
INSERT INTO booking.training (id, machine_kind, level, starts_at, ends_at, seats, instructor_id, place)
VALUES (%(id)s, %(machine_kind)s, %(level)s, %(starts_at)s, %(ends_at)s, %(seats)s, %(instructor_id)s, %(place)s)

-- trainings: The trainings that end after a time, with the seats taken and whether one of them is the viewer's.
SELECT t.id, t.machine_kind, t.level, t.starts_at, t.ends_at, t.seats, t.instructor_id, i.name, t.place,
       (SELECT count(*) FROM booking.training_seat s WHERE s.training_id = t.id),
       EXISTS (SELECT FROM booking.training_seat s WHERE s.training_id = t.id AND s.person_id = %(person_id)s::uuid)
FROM booking.training t JOIN coop.person i ON i.id = t.instructor_id
WHERE t.ends_at > %(from)s AND (%(id)s::uuid IS NULL OR t.id = %(id)s)
ORDER BY t.starts_at, t.id

-- lock_training: A training, for whoever takes or gives back a seat; others wait.
SELECT machine_kind, level, starts_at, ends_at, seats, instructor_id FROM booking.training WHERE id = %(id)s
FOR NO KEY UPDATE

-- take_seat: Take the lowest free seat of a training; the training is locked.
INSERT INTO booking.training_seat (training_id, seat, person_id, taken_at)
SELECT t.id, n, %(person_id)s, %(now)s
FROM booking.training t, generate_series(1, t.seats) n
WHERE t.id = %(id)s AND NOT EXISTS (SELECT FROM booking.training_seat s WHERE s.training_id = t.id AND s.seat = n)
ORDER BY n LIMIT 1
ON CONFLICT ON CONSTRAINT training_seat_once DO NOTHING
RETURNING seat

-- seat_of: The seat of a person in a training.
SELECT seat FROM booking.training_seat WHERE training_id = %(id)s AND person_id = %(person_id)s

-- leave_seat: Give a seat back that nobody judged yet.
DELETE FROM booking.training_seat WHERE training_id = %(id)s AND person_id = %(person_id)s AND passed IS NULL
RETURNING seat

-- judge_seat: Say whether a participant passed.
UPDATE booking.training_seat SET passed = %(passed)s WHERE training_id = %(id)s AND person_id = %(person_id)s
RETURNING seat

-- seats: Who takes part in a training.
SELECT s.seat, s.person_id, p.name, p.member_id, s.passed FROM booking.training_seat s
JOIN coop.person p ON p.id = s.person_id WHERE s.training_id = %(id)s ORDER BY s.seat

-- Import

-- lock_members: Lock some members, and those of some people, in their order, until the transaction ends.
SELECT id FROM coop.member
WHERE id = ANY (%(member_ids)s)
   OR id IN (SELECT member_id FROM coop.person WHERE lower(email) = ANY (%(emails)s))
ORDER BY id
FOR NO KEY UPDATE

-- imported: The reservation that a row or calendar entry with this key is or became.
SELECT id FROM booking.reservation WHERE uid = %(key)s
UNION ALL
SELECT reservation_id FROM booking.imported WHERE key = %(key)s
LIMIT 1

-- add_imported: Remember which reservation a row or calendar entry became.
INSERT INTO booking.imported (key, reservation_id) VALUES (%(key)s, %(reservation_id)s)

-- ask_approval: What was confirmed waits for an answer, and holds its time until then.
WITH asked AS (
    UPDATE booking.reservation SET status = 'pending' WHERE id = %(id)s AND status = 'confirmed' RETURNING id
)
UPDATE booking.claim c SET expires_at = %(expires_at)s FROM asked
WHERE c.reservation_id = asked.id AND c.released_at IS NULL

-- Search across machines

-- terms_of_all: What all machines ask of a slot, with what decides it now; one row for each, by id.
SELECT m.id, m.in_service, m.set_up_minutes, m.tear_down_minutes,
       y.granularity_minutes, y.shortest_minutes, y.longest_minutes, y.horizon_days, c.time_zone,
       m.kind,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(h.country, lower(h.valid), upper(h.valid))), '[]')
        FROM booking.holiday_closing h WHERE h.machine_id = m.id),
       y.notice_minutes, y.cancel_minutes, y.priority_horizon_days, y.nonmembers_allowed, y.nonmember_horizon_days,
       y.required_level, y.supervised_level, y.calibration_required, y.daily_check_required, y.coldest_celsius,
       y.warmest_celsius, y.temperature_denies, y.soak_minutes, y.soak_denies,
       (SELECT max(b.valid_until) FROM booking.calibration b WHERE b.machine_id = m.id), k.failed_at, k.passed_at,
       t.celsius, t.at
FROM coop.machine m
CROSS JOIN coop.cooperative c
JOIN booking.policy y ON y.machine_id = m.id AND y.valid @> (now() AT TIME ZONE c.time_zone)::date
LEFT JOIN booking.room_temperature t ON t.machine_id = m.id
CROSS JOIN LATERAL (
    SELECT max(last.checked_at) FILTER (WHERE NOT last.passed) AS failed_at,
           CASE WHEN bool_and(coalesce(last.passed, false)) THEN min(last.checked_at) END AS passed_at
    FROM booking.master a
    LEFT JOIN LATERAL (SELECT checked_at, passed FROM booking.master_check
                       WHERE master_id = a.id ORDER BY checked_at DESC LIMIT 1) last ON true
    WHERE a.machine_id = m.id AND a.retired_at IS NULL) k
WHERE m.id = ANY (%(machine_ids)s)
ORDER BY m.id

-- services_of_all: A service of all machines with its needs, one row for each, and the units in service that can meet it.
SELECT s.resource_id, s.approval_minutes, n.name, n.optional,
       ARRAY(SELECT r.id FROM booking.resource r LEFT JOIN coop.machine m ON m.id = r.machine_id
             WHERE (r.id = n.unit_id
                    OR r.id IN (SELECT u.resource_id FROM booking.pool_unit u WHERE u.pool_id = n.pool_id))
               AND r.in_service AND coalesce(m.in_service, true)
             ORDER BY r.id),
       n.from_edge, n.from_minutes, n.until_edge, n.until_minutes
FROM booking.service s
LEFT JOIN booking.service_need n ON n.resource_id = s.resource_id AND n.kind = s.kind
WHERE s.resource_id = ANY (%(machine_ids)s) AND s.kind = %(kind)s
ORDER BY s.resource_id, n.name

-- gaps_of_all: Where a slot of some length finds room beside what is taken of machines, set-up and tear-down included.
SELECT free.machine_id, lower(gap), upper(gap)
FROM (SELECT m.id AS machine_id,
             tstzmultirange(tstzrange(%(from)s, %(until)s)) - coalesce(range_agg(tstzrange(
                 lower(c.blocked) - m.tear_down_minutes * interval '1 minute',
                 upper(c.blocked) + m.set_up_minutes * interval '1 minute')) FILTER (WHERE c.id IS NOT NULL), '{}') AS gaps
      FROM coop.machine m
      LEFT JOIN booking.claim c ON c.resource_id = m.id AND c.released_at IS NULL
          AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
          AND c.blocked && tstzrange(%(from)s - m.set_up_minutes * interval '1 minute',
                                     %(until)s + m.tear_down_minutes * interval '1 minute')
      WHERE m.id = ANY (%(machine_ids)s)
      GROUP BY m.id) free, unnest(free.gaps) AS gap
WHERE upper(gap) - lower(gap) >= %(length)s
ORDER BY free.machine_id, lower(gap)

-- standing_of_all: Who somebody is to all machines: a member or not, and the gauge of use by non-members.
SELECT coalesce((SELECT is_member FROM coop.member WHERE id = %(member_id)s), true), u.percent, u.warn_percent,
       u.deny_percent,
       ARRAY(SELECT p.machine_id FROM booking.priority p WHERE p.member_id = %(member_id)s AND p.valid @> %(day)s::date)
FROM (SELECT) one LEFT JOIN booking.nonmember_use u ON true

-- qualifications_of_all: What a person was granted for each kind of machine.
SELECT k.kind, q.level, q.valid_until, q.last_used_at, q.lapse_after_days
FROM unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL booking.qualified(%(person_id)s::uuid, k.kind, %(start)s) q

-- log_unmet_demand: Somebody searched and found nothing.
INSERT INTO booking.unmet_demand
    (searched_at, by_member, machine_kind, site, needs, wanted, length_minutes, service, candidates)
VALUES (%(now)s, %(by_member)s, %(kind)s, %(site)s, %(needs)s, tstzrange(%(from)s, %(until)s), %(length_minutes)s,
        %(service)s, %(candidates)s)

-- unmet_demand: What was searched in a window and not found, by what was needed.
SELECT machine_kind, site, service, by_member, count(*), sum(length_minutes)::bigint,
       count(*) FILTER (WHERE candidates = 0), max(searched_at)
FROM booking.unmet_demand
WHERE searched_at >= %(from)s AND searched_at < %(until)s
GROUP BY machine_kind, site, service, by_member
ORDER BY count(*) DESC, machine_kind, site, service, by_member

-- timeline: What takes some machines within a window, by machine and start: reservations with their names, and outages.
SELECT c.resource_id, coalesce(r.starts_at, lower(c.blocked)), coalesce(r.ends_at, upper(c.blocked)), o.kind, r.id,
       r.status, r.member_id, m.name, r.person_id, p.name
FROM booking.claim c
LEFT JOIN booking.outage o ON o.id = c.outage_id
LEFT JOIN booking.reservation r ON r.id = c.reservation_id
LEFT JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE c.resource_id = ANY (%(machine_ids)s) AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
ORDER BY c.resource_id, lower(c.blocked)
