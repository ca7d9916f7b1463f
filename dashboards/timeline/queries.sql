-- did: When the signal of some machines said running, and when it said anything at all, within a window.
SELECT s.machine_id,
       range_agg(tstzrange(s.started_at, s.ended_at)) FILTER (WHERE s.state = 'running'),
       range_agg(tstzrange(s.started_at, s.ended_at)) FILTER (WHERE s.state <> 'unknown')
FROM telemetry.state_interval s
WHERE s.machine_id = ANY (%(machine_ids)s) AND s.ended_at > %(from)s AND s.started_at < %(until)s
GROUP BY s.machine_id
