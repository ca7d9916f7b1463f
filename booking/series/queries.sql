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

-- series_of: To which series each of some reservations belongs.
SELECT reservation_id, series_id FROM booking.occurrence WHERE reservation_id = ANY (%(reservation_ids)s)
