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

-- loans_out: The reservations whose tester is out, the earliest due first, from a place in the list on.
SELECT r.id, l.out_at FROM booking.loan l JOIN booking.reservation r ON r.id = l.reservation_id
WHERE l.returned_at IS NULL
  AND (%(after_id)s::uuid IS NULL OR (r.ends_at, r.id) > (%(after_due)s::timestamptz, %(after_id)s))
ORDER BY r.ends_at, r.id
LIMIT %(limit)s

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

-- pools: All pools with their units, or one of them, by id.
SELECT p.id, p.name_ja, p.name_en,
       ARRAY(SELECT u.resource_id FROM booking.pool_unit u WHERE u.pool_id = p.id ORDER BY u.resource_id)
FROM booking.pool p
WHERE %(id)s::text IS NULL OR p.id = %(id)s
ORDER BY p.id

-- take_turns: Who else defines the same pool or service waits until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('booking.define'), hashtext(%(subject)s))

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
