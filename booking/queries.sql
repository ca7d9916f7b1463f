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
JOIN booking.policy y ON y.machine_id = m.id
CROSS JOIN coop.cooperative c
WHERE r.id = %(machine_id)s
FOR NO KEY UPDATE OF r

-- machine_terms: What a machine asks of a slot, without a lock.
SELECT m.in_service, m.set_up_minutes, m.tear_down_minutes,
       y.granularity_minutes, y.shortest_minutes, y.longest_minutes, y.horizon_days, c.time_zone
FROM coop.machine m
JOIN booking.policy y ON y.machine_id = m.id
CROSS JOIN coop.cooperative c
WHERE m.id = %(machine_id)s

-- drop_expired_holds: Give back the time of holds that are over by the database's clock; the lock is held.
DELETE FROM booking.reservation r USING booking.claim c
WHERE c.resource_id = %(machine_id)s AND c.expires_at <= clock_timestamp()
  AND r.id = c.reservation_id AND r.status = 'held'

-- add_reservation: Enter a reservation with its claims; claim_no_overlap decides whether the time was free.
WITH reserved AS (
    INSERT INTO booking.reservation (id, uid, machine_id, member_id, person_id, starts_at, ends_at, status, purpose,
                                     created_at, changed_at)
    VALUES (%(id)s, %(uid)s, %(machine_id)s, %(member_id)s, %(person_id)s, %(starts_at)s, %(ends_at)s, %(status)s,
            %(purpose)s, %(now)s, %(now)s)
    RETURNING id
)
INSERT INTO booking.claim (reservation_id, resource_id, blocked, expires_at)
SELECT r.id, c.resource_id, tstzrange(c.blocked_from, c.blocked_until), %(expires_at)s
FROM reserved r, unnest(%(resource_ids)s::text[], %(blocked_from)s::timestamptz[], %(blocked_until)s::timestamptz[])
     AS c (resource_id, blocked_from, blocked_until)

-- move_reservation: Give a reservation and its claims another time if nobody changed it meanwhile.
WITH moved AS (
    UPDATE booking.reservation
    SET starts_at = %(starts_at)s, ends_at = %(ends_at)s, version = version + 1, changed_at = %(now)s
    WHERE id = %(id)s AND version = %(version)s
    RETURNING id
), claimed AS (
    UPDATE booking.claim c
    SET blocked = tstzrange(n.blocked_from, n.blocked_until)
    FROM moved m, unnest(%(resource_ids)s::text[], %(blocked_from)s::timestamptz[], %(blocked_until)s::timestamptz[])
         AS n (resource_id, blocked_from, blocked_until)
    WHERE c.reservation_id = m.id AND c.resource_id = n.resource_id AND c.released_at IS NULL
)
SELECT id FROM moved

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
SELECT r.id, r.uid, r.machine_id, m.id, m.name, p.id, p.name, r.starts_at, r.ends_at, r.status, r.purpose, r.version,
       r.created_at
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE r.id = %(id)s

-- reservations: The next reservations that hold time, by start, from a place in the list on.
SELECT r.id, r.uid, r.machine_id, m.id, m.name, p.id, p.name, r.starts_at, r.ends_at, r.status, r.purpose, r.version,
       r.created_at
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE r.status NOT IN ('held', 'released', 'cancelled')
  AND r.ends_at > %(from)s
  AND (%(until)s::timestamptz IS NULL OR r.starts_at < %(until)s)
  AND (%(machine_id)s::text IS NULL OR r.machine_id = %(machine_id)s)
  AND (%(person_id)s::uuid IS NULL OR r.person_id = %(person_id)s)
  AND (%(after_id)s::uuid IS NULL OR (r.starts_at, r.id) > (%(after_start)s::timestamptz, %(after_id)s::uuid))
ORDER BY r.starts_at, r.id
LIMIT %(limit)s

-- taken: When some resources are taken within a window, with the reservations behind it; expired holds take nothing.
SELECT c.resource_id, lower(c.blocked), upper(c.blocked), r.id, r.uid, r.machine_id, m.id, m.name, p.id, p.name,
       r.starts_at, r.ends_at, r.status, r.purpose, r.version, r.created_at
FROM booking.claim c
JOIN booking.reservation r ON r.id = c.reservation_id
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE c.resource_id = ANY (%(resource_ids)s) AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
ORDER BY c.resource_id, lower(c.blocked)

-- blocked: The times at which a resource is taken within a window, other than by one reservation.
SELECT lower(c.blocked), upper(c.blocked)
FROM booking.claim c
WHERE c.resource_id = %(resource_id)s AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
  AND c.reservation_id IS DISTINCT FROM %(but_for)s::uuid
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

-- lapse_requests: Nobody waits any more for a time that cannot come.
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
LEFT JOIN booking.priority y ON y.machine_id = m.id AND y.member_id = w.member_id AND y.valid @> %(today)s::date
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
RETURNING expires_at

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
SELECT id, machine_id FROM booking.offer
WHERE answer IS NULL AND expires_at <= clock_timestamp()
ORDER BY expires_at, id

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
