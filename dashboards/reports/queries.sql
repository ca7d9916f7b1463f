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
