-- What Prometheus is told of the whole installation; every process that answers says the same.

-- to_derive: Machines that wait to be derived, and since when the oldest of their readings is due.
SELECT count(DISTINCT machine_id), extract(epoch FROM %(now)s - min(until_at)) FROM telemetry.dirty

-- jobs: Jobs by status, and how long the oldest that could run has waited.
SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       extract(epoch FROM %(now)s - min(coalesce(scheduled_at, deferred.at)) FILTER (
           WHERE status = 'todo' AND coalesce(scheduled_at, deferred.at) <= %(now)s))
FROM procrastinate_jobs
LEFT JOIN LATERAL (SELECT min(e.at) AS at FROM procrastinate_events e
                   WHERE e.job_id = procrastinate_jobs.id AND e.type = 'deferred') deferred ON status = 'todo'

-- reservations: Reservations under way or to come, by status.
SELECT status, count(*) FROM booking.reservation WHERE ends_at > %(now)s GROUP BY status ORDER BY status

-- alerts: Open alerts by kind.
SELECT kind, count(*) FROM telemetry.alert WHERE closed_at IS NULL GROUP BY kind ORDER BY kind

-- rejected: Messages that could not be taken, ever.
SELECT coalesce(sum(rejected), 0) FROM telemetry.reject_day
