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

-- applied_migrations: The migrations that made this schema, in order.
SELECT migration_id FROM _yoyo_migration ORDER BY migration_id

-- tables: Every table of ours with the columns that are kept: not the database's own, an extension's, a part of another.
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname !~ 'yoyo'
  AND n.nspname !~ '^(pg_|information_schema$|_?timescaledb)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY 1, 2 ORDER BY 1, 2

-- sequences: The last number of every sequence of ours; null where none was given.
SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value FROM pg_sequences
WHERE schemaname !~ '^(pg_|information_schema$|_?timescaledb)'
ORDER BY 1

-- anything_here: Whether somebody made tables.
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$|_?timescaledb)'
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                 AND d.deptype = 'e'))

-- foreign_keys: Every foreign key of ours and how it is made.
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname !~ '^(pg_|information_schema$|_?timescaledb)'
ORDER BY 1, 2, 3

-- triggers: Every trigger of ours that is at work; an extension's own stay.
SELECT n.nspname::text, c.relname::text, t.tgname::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace o ON o.oid = p.pronamespace
WHERE NOT t.tgisinternal AND t.tgenabled = 'O' AND t.tgparentid = 0
  AND n.nspname !~ '^(pg_|information_schema$|_?timescaledb)'
  AND o.nspname !~ '^_?timescaledb'
ORDER BY 1, 2, 3
