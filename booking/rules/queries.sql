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

-- calendar_exceptions_since: The same with those long over, as far as they touch what follows a moment.
SELECT m.id, lower(e.during), upper(e.during), e.opens
FROM booking.calendar_exception e
JOIN coop.machine m ON m.id = e.machine_id OR (e.machine_id IS NULL AND (e.site IS NULL OR e.site = m.site))
WHERE upper(e.during) > %(since)s AND (%(machine_ids)s::text[] IS NULL OR m.id = ANY (%(machine_ids)s))
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

-- quotas_used: The limits of a holder on a machine, or on any (null), and what is used of each.
SELECT q.machine_id, q.holder, q.span, q.most,
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
WHERE q.valid @> %(day)s::date
  AND (q.machine_id IS NULL OR %(machine_id)s::text IS NULL OR q.machine_id = %(machine_id)s)
  AND (q.holder = 'member' OR %(person_id)s::uuid IS NOT NULL)
ORDER BY q.id

-- places: Which of some resources are places to soak a part.
SELECT id FROM booking.resource WHERE id = ANY (%(resource_ids)s) AND kind = 'place'

-- prepare_reservation: Keep who instructs the person of a reservation and since when its part soaks.
INSERT INTO booking.preparation (reservation_id, instructor_id, soaks_from)
VALUES (%(reservation_id)s, %(instructor_id)s, %(soaks_from)s)

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

-- exceptions_between: Closures and extra openings that touch a window, by start, from a place in the list on.
SELECT id, machine_id, site, lower(during), upper(during), opens, reason FROM booking.calendar_exception
WHERE during && tstzrange(%(from)s, %(until)s)
  AND (%(after_id)s::uuid IS NULL OR (lower(during), id) > (%(after_start)s::timestamptz, %(after_id)s))
ORDER BY lower(during), id
LIMIT %(limit)s

-- add_exception: Close or open a machine, a site or all of them for a time.
INSERT INTO booking.calendar_exception (machine_id, site, during, opens, reason)
VALUES (%(machine_id)s, %(site)s, tstzrange(%(from)s, %(until)s), %(opens)s, %(reason)s)
RETURNING id

-- remove_exception: Take a closure or extra opening back.
DELETE FROM booking.calendar_exception WHERE id = %(id)s RETURNING machine_id, site, lower(during), upper(during)
