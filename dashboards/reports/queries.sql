-- booked: When each machine was booked within a window.
SELECT r.machine_id, r.starts_at, r.ends_at
FROM booking.reservation r
WHERE r.ends_at > %(from)s AND r.starts_at < %(until)s
  AND r.status IN ('pending', 'confirmed', 'in_use', 'done') AND r.machine_id IS NOT NULL
ORDER BY r.machine_id, r.starts_at

-- occupied: When each machine was occupied within a window, as derived or decided by a person.
SELECT u.machine_id, u.started_at, u.ended_at
FROM telemetry.usage u
WHERE u.ended_at > %(from)s AND u.started_at < %(until)s
ORDER BY u.machine_id, u.started_at

-- behind: Of each month, how long machines were booked and occupied, and the members who stand behind it.
SELECT m.name, u.measure, sum(extract(epoch FROM least(u.ended_at, m.ends) - greatest(u.started_at, m.starts)))::bigint,
       coalesce(array_agg(DISTINCT u.member_id) FILTER (WHERE u.member_id IS NOT NULL), '{}')
FROM unnest(%(names)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS m (name, starts, ends)
JOIN (SELECT 'booked' AS measure, starts_at AS started_at, ends_at AS ended_at, member_id FROM booking.reservation
      WHERE status IN ('pending', 'confirmed', 'in_use', 'done') AND machine_id IS NOT NULL
      UNION ALL
      SELECT 'occupied', started_at, ended_at, member_id FROM telemetry.usage) AS u
    ON u.started_at < m.ends AND u.ended_at > m.starts
GROUP BY m.name, u.measure
