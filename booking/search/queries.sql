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
SELECT m.id, gap.since, gap.until
FROM coop.machine m
LEFT JOIN (SELECT c.resource_id, range_agg(c.blocked) AS blocked
           FROM booking.claim c
           WHERE c.resource_id = ANY (%(machine_ids)s) AND c.released_at IS NULL
             AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
             AND c.blocked && tstzrange(%(from)s - %(longest_set_up)s, %(until)s + %(longest_tear_down)s)
           GROUP BY c.resource_id) taken ON taken.resource_id = m.id
CROSS JOIN LATERAL (
    SELECT lower(room) + m.set_up_minutes * interval '1 minute' AS since,
           upper(room) - m.tear_down_minutes * interval '1 minute' AS until
    FROM unnest(tstzmultirange(tstzrange(%(from)s - m.set_up_minutes * interval '1 minute',
                                         %(until)s + m.tear_down_minutes * interval '1 minute'))
                - coalesce(taken.blocked, '{}')) AS room
    WHERE upper(room) - lower(room) >= %(length)s + (m.set_up_minutes + m.tear_down_minutes) * interval '1 minute'
    ORDER BY lower(room)
    LIMIT %(most)s) gap
WHERE m.id = ANY (%(machine_ids)s)

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

-- unmet_demand: What was searched in a window and not found, by what was needed, from a place in the list on.
SELECT machine_kind, site, service, by_member, count(*), sum(length_minutes)::bigint,
       count(*) FILTER (WHERE candidates = 0), max(searched_at)
FROM booking.unmet_demand
WHERE searched_at >= %(from)s AND searched_at < %(until)s
GROUP BY machine_kind, site, service, by_member
HAVING %(after_kind)s::text IS NULL
    OR (-count(*), coalesce(machine_kind, ''), coalesce(site, ''), service, by_member::text)
       > (%(after_count)s::bigint, %(after_kind)s, %(after_site)s::text, %(after_service)s::text, %(after_member)s::text)
ORDER BY -count(*), coalesce(machine_kind, ''), coalesce(site, ''), service, by_member::text
LIMIT %(limit)s

-- timeline: What takes some machines within a window, by machine and start: reservations with their names, and outages.
SELECT c.resource_id, coalesce(r.starts_at, lower(c.blocked)), coalesce(r.ends_at, upper(c.blocked)), o.kind, r.id,
       r.status, r.member_id, m.name, r.person_id, p.name, r.version
FROM booking.claim c
LEFT JOIN booking.outage o ON o.id = c.outage_id
LEFT JOIN booking.reservation r ON r.id = c.reservation_id
LEFT JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
WHERE c.resource_id = ANY (%(machine_ids)s) AND c.blocked && tstzrange(%(from)s, %(until)s)
  AND c.released_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
ORDER BY c.resource_id, lower(c.blocked)
