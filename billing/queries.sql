-- add_tariff: Enter a version of a machine's usage fee.
INSERT INTO billing.tariff (id, machine_id, valid, basis, yen_per_hour, increment_seconds, resolution, tax)
VALUES (%(id)s, %(machine_id)s, daterange(%(valid_from)s, %(valid_until)s), %(basis)s, %(yen_per_hour)s,
        %(increment_seconds)s, %(resolution)s, %(tax)s)

-- end_tariff: Let the open-ended version of a machine end where the next one begins.
UPDATE billing.tariff SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND upper_inf(valid) AND lower(valid) < %(valid_from)s

-- tariffs: All versions by machine and time, or those of one machine, from a place in the list on.
SELECT id, machine_id, lower(valid), basis, yen_per_hour, increment_seconds, upper(valid), resolution, tax
FROM billing.tariff
WHERE (%(machine_id)s::text IS NULL OR machine_id = %(machine_id)s)
  AND (%(after_machine)s::text IS NULL
       OR (machine_id, lower(valid)) > (%(after_machine)s, %(after_from)s::date))
ORDER BY machine_id, lower(valid)
LIMIT %(limit)s

-- add_pool: Enter a cost pool.
INSERT INTO billing.cost_pool (id, kind, allocation, name_ja, name_en, resolution, tax)
VALUES (%(id)s, %(kind)s, %(allocation)s, %(name_ja)s, %(name_en)s, %(resolution)s, %(tax)s)

-- add_pool_machine: Let a machine belong to a pool.
INSERT INTO billing.cost_pool_machine (pool_id, kind, machine_id) VALUES (%(pool_id)s, %(kind)s, %(machine_id)s)

-- add_cost: Enter what a pool cost in a month.
INSERT INTO billing.cost (id, month, pool_id, kind, note, amount_yen)
VALUES (%(id)s, %(month)s, %(pool_id)s, %(kind)s, %(note)s, %(amount_yen)s)

-- month_inputs: A month's rules (machine null, first), then what happened on each machine, as JSON; one moment's truth.
SELECT NULL AS machine_id, json_build_object(
    'month', %(month_name)s::text,
    'time_zone', %(time_zone)s::text,
    'machines', (SELECT coalesce(json_agg(json_build_object('id', id, 'ja', name_ja, 'en', name_en) ORDER BY id), '[]')
                 FROM coop.machine),
    'tariffs', (SELECT coalesce(json_agg(json_build_object(
                    'id', id, 'machine_id', machine_id, 'valid_from', lower(valid), 'valid_until', upper(valid),
                    'basis', basis, 'yen_per_hour', yen_per_hour, 'increment_seconds', increment_seconds,
                    'resolution', resolution, 'tax', tax) ORDER BY machine_id, valid), '[]')
                FROM billing.tariff
                WHERE valid && daterange(%(month)s, (%(month)s::date + interval '1 month')::date)),
    'pools', (SELECT coalesce(json_agg(json_build_object(
                  'id', p.id, 'kind', p.kind, 'name_ja', p.name_ja, 'name_en', p.name_en, 'tax', p.tax,
                  'allocation', p.allocation, 'resolution', p.resolution,
                  'machine_ids', (SELECT coalesce(json_agg(m.machine_id ORDER BY m.machine_id), '[]')
                                  FROM billing.cost_pool_machine m WHERE m.pool_id = p.id)) ORDER BY p.id), '[]')
              FROM billing.cost_pool p),
    'costs', (SELECT coalesce(json_agg(json_build_object(
                  'id', id, 'pool_id', pool_id, 'kind', kind, 'note', note, 'amount_yen', amount_yen)
                  ORDER BY pool_id, kind, id), '[]')
              FROM billing.cost WHERE month = %(month)s),
    'underived', (SELECT coalesce(json_agg(DISTINCT machine_id ORDER BY machine_id), '[]')
                  FROM telemetry.dirty WHERE from_at < %(end)s AND until_at >= %(start)s)
)::text
UNION ALL
(SELECT m.id, json_build_object(
    'machine_id', m.id,
    'usages', coalesce(usage.found, '[]'),
    'reservations', coalesce(reservation.found, '[]'),
    'states', coalesce(state.found, '[]')
)::text
FROM coop.machine m
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(id, started_at, ended_at, running_seconds, kind, member_id,
                                                 reservation_id, encode(evidence_hash, 'hex')) ORDER BY started_at) AS found
    FROM telemetry.usage
    WHERE started_at >= %(start)s AND started_at < %(end)s
    GROUP BY machine_id
) AS usage ON usage.machine_id = m.id
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(id, starts_at, ends_at, member_id,
                                                 status IN ('confirmed', 'in_use', 'done')) ORDER BY starts_at, id) AS found
    FROM booking.reservation
    WHERE machine_id IS NOT NULL
      AND (status IN ('confirmed', 'in_use', 'done') AND starts_at < %(end)s AND ends_at > %(start)s
           OR id IN (SELECT u.reservation_id FROM telemetry.usage u
                     WHERE u.started_at >= %(start)s AND u.started_at < %(end)s))
    GROUP BY machine_id
) AS reservation ON reservation.machine_id = m.id
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(started_at, ended_at, state) ORDER BY started_at) AS found
    FROM telemetry.state_interval
    WHERE started_at < %(end)s AND ended_at > %(start)s
    GROUP BY machine_id
) AS state ON state.machine_id = m.id
ORDER BY m.id)

-- machines_with_devices: The machines for which a device spoke in a time.
SELECT DISTINCT machine_id FROM telemetry.binding WHERE bound && tstzrange(%(start)s, %(end)s) ORDER BY machine_id

-- readings_of_machine: A machine's readings in a time (true time), one JSON array of columns for each device channel.
SELECT coalesce(json_agg(series ORDER BY series ->> 'device', series ->> 'channel'), '[]')::text
FROM (
    SELECT json_build_object(
        'device', c.device_id, 'channel', c.name,
        'at_us', json_agg((extract(epoch FROM r.at) * 1000000)::bigint ORDER BY r.at, r.tie),
        'offset_seconds', json_agg(coalesce(k.offset_seconds, 0) ORDER BY r.at, r.tie),
        'value', json_agg(coalesce(to_json(r.value), to_json(r.text)) ORDER BY r.at, r.tie)) AS series
    FROM telemetry.binding b
    JOIN telemetry.channel c ON c.device_id = b.device_id
    JOIN telemetry.reading r ON r.channel_id = c.id
        AND r.at >= %(start)s::timestamptz - interval '1 day' AND r.at < %(end)s::timestamptz + interval '1 day'
    LEFT JOIN telemetry.clock_correction k ON k.device_id = b.device_id AND k.during @> r.at
    WHERE b.machine_id = %(machine_id)s
      AND b.bound @> (r.at + make_interval(secs => coalesce(k.offset_seconds, 0)))
      AND r.at + make_interval(secs => coalesce(k.offset_seconds, 0)) >= %(start)s
      AND r.at + make_interval(secs => coalesce(k.offset_seconds, 0)) < %(end)s
    GROUP BY c.device_id, c.name
) AS each_series

-- open_period: Make sure that a month has its row.
INSERT INTO billing.period (month) VALUES (%(month)s) ON CONFLICT DO NOTHING

-- lock_period: Take a month for this transaction; everybody who drafts, closes or adds costs waits here.
SELECT status FROM billing.period WHERE month = %(month)s FOR UPDATE

-- lock_chain: One close at a time, since each is chained to the one before.
SELECT pg_advisory_xact_lock(7269112)

-- last_closed: The end of the chain.
SELECT month, evidence_hash FROM billing.period WHERE status = 'closed' ORDER BY month DESC LIMIT 1

-- periods: All months that have begun to be settled, newest first, from a place in the list on; or one of them.
SELECT month, status, drafted_at, closed_at, closed_by, code_version, previous_month, evidence_hash, findings, metered,
       control
FROM billing.period
WHERE (%(month)s::date IS NULL OR month = %(month)s)
  AND (%(after_month)s::date IS NULL OR month < %(after_month)s)
ORDER BY month DESC
LIMIT %(limit)s

-- pool_results: How the pools of a month came out.
SELECT pool_id, kind, cost_yen, income_yen, charged_yen, carried_yen FROM billing.pool_result
WHERE month = %(month)s ORDER BY pool_id

-- clear_lines: Forget the lines of a draft.
DELETE FROM billing.line WHERE statement_id IN (SELECT id FROM billing.statement WHERE month = %(month)s)

-- clear_statements: Forget the statements of a draft.
DELETE FROM billing.statement WHERE month = %(month)s

-- clear_pool_results: Forget the pools of a draft.
DELETE FROM billing.pool_result WHERE month = %(month)s

-- clear_evidence: Forget the evidence of a draft.
DELETE FROM billing.period_evidence WHERE month = %(month)s

-- copy_statements: Write the statements of a month.
COPY billing.statement (id, month, member_id, net_yen, tax_yen, total_yen, taxes) FROM STDIN

-- copy_lines: Write the lines of a month.
COPY billing.line (statement_id, n, kind, machine_id, pool_id, starts_at, ends_at, quantity_seconds, amount_yen,
    tax_rate, explanation) FROM STDIN

-- copy_pool_results: Write how the pools of a month came out.
COPY billing.pool_result (month, pool_id, kind, cost_yen, income_yen, charged_yen, carried_yen) FROM STDIN

-- copy_entries: Post the entries of a month.
COPY billing.ledger_entry (id, month, posted_at, statement_id) FROM STDIN

-- copy_postings: Post the debits and credits of a month.
COPY billing.ledger_posting (entry_id, n, account, member_id, amount_yen) FROM STDIN

-- add_evidence: Keep one part of a month's evidence.
INSERT INTO billing.period_evidence (month, part, sha256, content_zlib)
VALUES (%(month)s, %(part)s, %(sha256)s, %(content_zlib)s)

-- evidence_parts: The parts of a month's evidence with their hashes.
SELECT part, sha256 FROM billing.period_evidence WHERE month = %(month)s ORDER BY part

-- evidence: One part of a month's evidence.
SELECT content_zlib FROM billing.period_evidence WHERE month = %(month)s AND part = %(part)s

-- mark_drafted: A month has been computed; what it says may still change.
UPDATE billing.period SET status = 'draft', drafted_at = %(now)s, findings = %(findings)s, metered = %(metered)s,
       control = %(control)s
WHERE month = %(month)s

-- mark_closed: A month is final.
UPDATE billing.period SET status = 'closed', closed_at = %(now)s, closed_by = %(closed_by)s,
       code_version = %(code_version)s, previous_month = %(previous_month)s, evidence_hash = %(evidence_hash)s
WHERE month = %(month)s

-- statements: Statements, newest month first, from a place in the list on; of a month, a member, one id, or closed months.
SELECT s.id, s.month, p.status, s.member_id, s.net_yen, s.tax_yen, s.total_yen, s.taxes
FROM billing.statement s JOIN billing.period p ON p.month = s.month
WHERE (%(month)s::date IS NULL OR s.month = %(month)s)
  AND (%(id)s::uuid IS NULL OR s.id = %(id)s)
  AND (%(member_id)s::text IS NULL OR s.member_id = %(member_id)s)
  AND (p.status = 'closed' OR NOT %(closed_only)s)
  AND (%(after_month)s::date IS NULL OR s.month < %(after_month)s
       OR (s.month = %(after_month)s AND s.member_id > %(after_member)s::text))
ORDER BY s.month DESC, s.member_id
LIMIT %(limit)s

-- lines: The lines of one statement, or one of them.
SELECT n, kind, machine_id, pool_id, starts_at, ends_at, quantity_seconds, amount_yen, tax_rate, explanation
FROM billing.line
WHERE statement_id = %(statement_id)s AND (%(n)s::integer IS NULL OR n = %(n)s)
ORDER BY n

-- lines_of: The lines of a month that are of one machine, or (null) of none, by member.
SELECT s.member_id, l.n, l.kind, l.machine_id, l.pool_id, l.starts_at, l.ends_at, l.quantity_seconds, l.amount_yen,
       l.tax_rate, l.explanation
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id
WHERE s.month = %(month)s AND l.machine_id IS NOT DISTINCT FROM %(machine_id)s
ORDER BY s.member_id, l.n

-- count_lines: How many lines the statements of a month have.
SELECT count(*) FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id WHERE s.month = %(month)s

-- postings_of_month: All postings of a month by entry.
SELECT e.id, e.statement_id, p.account, p.amount_yen, p.member_id
FROM billing.ledger_entry e JOIN billing.statement s ON s.id = e.statement_id
JOIN billing.ledger_posting p ON p.entry_id = e.id
WHERE e.month = %(month)s
ORDER BY s.member_id, e.id, p.n
