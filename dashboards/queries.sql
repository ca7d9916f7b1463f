-- states: What the signal of each machine said within a window, by start.
SELECT s.machine_id, s.started_at, s.ended_at, s.state
FROM telemetry.state_interval s
WHERE s.ended_at > %(from)s AND s.started_at < %(until)s
ORDER BY s.machine_id, s.started_at
