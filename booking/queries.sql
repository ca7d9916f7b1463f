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
  AND (%(member_id)s::text IS NULL OR r.member_id = %(member_id)s)
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

-- lock_resources: Lock resources in the order of their ids until the transaction ends.
SELECT r.id FROM booking.resource r WHERE r.id = ANY (%(resource_ids)s) ORDER BY r.id FOR NO KEY UPDATE

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

-- requests_over: On what requests stand that nobody answered in time by the database's clock.
SELECT DISTINCT coalesce(r.machine_id, r.resource_id) FROM booking.reservation r
JOIN booking.claim c ON c.reservation_id = r.id
WHERE r.status = 'pending' AND c.expires_at <= clock_timestamp() AND c.released_at IS NULL
ORDER BY 1

-- lapse_requests: Decline the requests whose time is over by the database's clock; one that is being answered waits, and
-- for a taker one whose time others wait for: the sweep offers it to them.
WITH over AS (
    SELECT r.id FROM booking.reservation r
    WHERE r.status = 'pending'
      AND r.id IN (SELECT c.reservation_id FROM booking.claim c
                   WHERE c.expires_at <= clock_timestamp() AND c.released_at IS NULL
                     AND (%(resource_ids)s::text[] IS NULL OR c.resource_id = ANY (%(resource_ids)s)))
      AND NOT (%(for_taker)s AND EXISTS (
          SELECT FROM booking.waitlist_request w JOIN coop.machine m ON m.id = r.machine_id
          WHERE w.status = 'waiting' AND (w.machine_id = m.id OR w.kind = m.kind)
            AND w.earliest_start < r.ends_at AND w.latest_end > r.starts_at))
    FOR UPDATE OF r SKIP LOCKED
), given_back AS (
    UPDATE booking.claim c SET released_at = %(now)s, expires_at = NULL FROM over
    WHERE c.reservation_id = over.id AND c.released_at IS NULL
)
UPDATE booking.reservation r
SET status = 'declined', version = version + 1, changed_at = %(now)s
FROM over WHERE r.id = over.id
RETURNING r.id

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

-- outages: The outages within a window, by start, from a place in the list on.
SELECT o.id, o.resource_id, o.kind, lower(o.during), upper(o.during), o.reason FROM booking.outage o
WHERE o.during && tstzrange(%(from)s, %(until)s) AND (%(resource_id)s::text IS NULL OR o.resource_id = %(resource_id)s)
  AND (%(after_id)s::uuid IS NULL OR (lower(o.during), o.id) > (%(after_start)s::timestamptz, %(after_id)s))
ORDER BY lower(o.during), o.id
LIMIT %(limit)s

-- change_holder: Say whose a reservation is now, and when they come, if nobody changed it meanwhile.
UPDATE booking.reservation
SET person_id = %(person_id)s, expected_at = %(expected_at)s, version = version + 1, changed_at = %(now)s
WHERE id = %(id)s AND version = %(version)s

-- claims_of: What a reservation takes, the machine first.
SELECT c.resource_id, lower(c.blocked), upper(c.blocked), c.need FROM booking.claim c
WHERE c.reservation_id = %(reservation_id)s AND c.released_at IS NULL
ORDER BY c.need NULLS FIRST

-- helpers_of: Who operates, instructs or advises in a reservation.
SELECT h.person_id FROM booking.claim c JOIN booking.resource h ON h.id = c.resource_id
WHERE c.reservation_id = %(reservation_id)s AND c.released_at IS NULL AND h.person_id IS NOT NULL
ORDER BY h.person_id

-- ask_approval: What was confirmed waits for an answer, and holds its time until then.
WITH asked AS (
    UPDATE booking.reservation SET status = 'pending' WHERE id = %(id)s AND status = 'confirmed' RETURNING id
)
UPDATE booking.claim c SET expires_at = %(expires_at)s FROM asked
WHERE c.reservation_id = asked.id AND c.released_at IS NULL
