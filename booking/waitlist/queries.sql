-- lock_resource: Lock a machine until the transaction ends, as whoever gives away its time must.
SELECT id FROM booking.resource WHERE id = %(machine_id)s FOR NO KEY UPDATE

-- lock_waiting: Lock a member, and all members who wait for time of a machine, by id, as whoever may offer it to them must.
SELECT m.id FROM coop.member m
WHERE m.id = %(member_id)s
   OR m.id IN (SELECT w.member_id FROM booking.waitlist_request w
               JOIN coop.machine c ON c.id = %(machine_id)s AND (w.machine_id = c.id OR w.kind = c.kind)
               WHERE w.status = 'waiting')
ORDER BY m.id
FOR NO KEY UPDATE OF m

-- viewer_of_person: What an active person may do, for rules that are judged while they are away.
SELECT p.id, p.member_id, p.locale,
       coalesce((SELECT array_agg(r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}')
FROM coop.person p WHERE p.id = %(person_id)s AND p.active

-- add_request: Somebody waits for time.
INSERT INTO booking.waitlist_request (id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, service,
    options, instructor_id, member_id, person_id, purpose, length_minutes, earliest_start, latest_end, status, created_at)
VALUES (%(id)s, %(machine_id)s, %(kind)s, %(range_x_mm)s, %(range_y_mm)s, %(range_z_mm)s, %(table_load_kg)s,
    %(service)s, %(options)s, %(instructor_id)s, %(member_id)s, %(person_id)s, %(purpose)s, %(length_minutes)s, %(earliest_start)s, %(latest_end)s, 'waiting', %(now)s)

-- machines_for: The machines in service that a request could be served with, by id.
SELECT id FROM coop.machine
WHERE in_service AND (id = %(machine_id)s::text OR kind = %(kind)s::text)
  AND (%(range_x_mm)s::numeric IS NULL OR range_x_mm >= %(range_x_mm)s)
  AND (%(range_y_mm)s::numeric IS NULL OR range_y_mm >= %(range_y_mm)s)
  AND (%(range_z_mm)s::numeric IS NULL OR range_z_mm >= %(range_z_mm)s)
  AND (%(table_load_kg)s::numeric IS NULL OR table_load_kg >= %(table_load_kg)s)
ORDER BY id

-- request_by_id: What somebody waits for.
SELECT id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, service, options,
       instructor_id, member_id, person_id, purpose, length_minutes, earliest_start, latest_end, status, created_at
FROM booking.waitlist_request WHERE id = %(id)s

-- requests_of: What a person, the people of a member, or everybody waits for, oldest first, from a place in the list on.
SELECT id, machine_id, kind, range_x_mm, range_y_mm, range_z_mm, table_load_kg, service, options,
       instructor_id, member_id, person_id, purpose, length_minutes, earliest_start, latest_end, status, created_at
FROM booking.waitlist_request
WHERE status = 'waiting'
  AND (%(person_id)s::uuid IS NULL OR person_id = %(person_id)s)
  AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
  AND (%(after_id)s::uuid IS NULL OR (created_at, id) > (%(after_created)s::timestamptz, %(after_id)s))
ORDER BY created_at, id
LIMIT %(limit)s

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
SELECT w.id, w.machine_id, w.kind, w.range_x_mm, w.range_y_mm, w.range_z_mm, w.table_load_kg, w.service, w.options,
       w.instructor_id, w.member_id, w.person_id, w.purpose, w.length_minutes, w.earliest_start, w.latest_end, w.status, w.created_at
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
