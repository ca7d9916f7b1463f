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
