-- month_inputs: A month's rules (machine null, first), then what happened on each machine, as JSON; one moment's truth.
-- With a member of the machines only what concerns it.
SELECT NULL AS machine_id, json_build_object(
    'month', %(month_name)s::text,
    'time_zone', %(time_zone)s::text,
    'machines', (SELECT coalesce(json_agg(json_build_object('id', id, 'ja', name_ja, 'en', name_en) ORDER BY id), '[]')
                 FROM (SELECT id, name_ja, name_en FROM coop.machine
                       UNION ALL SELECT id, name_ja, name_en FROM booking.resource
                       WHERE kind = 'person' AND id IN (SELECT machine_id FROM billing.tariff)) AS used),
    'nonmembers', (SELECT coalesce(json_agg(id ORDER BY id), '[]') FROM coop.member WHERE NOT is_member),
    'tariffs', (SELECT coalesce(json_agg(json_build_object(
                    'id', id, 'machine_id', machine_id, 'valid_from', lower(valid), 'valid_until', upper(valid),
                    'basis', basis, 'yen_per_hour', yen_per_hour, 'increment_seconds', increment_seconds,
                    'resolution', resolution, 'tax', tax, 'service', service, 'cap_yen_per_hour', cap_yen_per_hour,
                    'minimum_seconds', minimum_seconds, 'setup_yen', setup_yen, 'idle_yen_per_hour', idle_yen_per_hour,
                    'overrun_yen_per_hour', overrun_yen_per_hour, 'nonmember_yen_per_hour', nonmember_yen_per_hour,
                    'operator_yen_per_hour', operator_yen_per_hour, 'windows', windows,
                    'no_show_percent', no_show_percent, 'no_show_tax', no_show_tax,
                    'late_cancel_percent', late_cancel_percent, 'late_cancel_tax', late_cancel_tax)
                    ORDER BY machine_id, service, valid), '[]')
                FROM billing.tariff t
                WHERE valid && daterange(%(month)s, (%(month)s::date + interval '1 month')::date)
                   OR EXISTS (SELECT FROM booking.fee_event e  -- a slot given up late may lie in another month
                              WHERE e.at >= %(start)s AND e.at < %(end)s AND e.machine_id = t.machine_id
                                AND t.valid && daterange((lower(e.during) AT TIME ZONE %(time_zone)s)::date,
                                                         (upper(e.during) AT TIME ZONE %(time_zone)s)::date, '[]'))),
    'consumables', (SELECT coalesce(json_agg(json_build_object(
                        'id', p.id, 'consumable_id', c.id, 'name_ja', c.name_ja, 'name_en', c.name_en,
                        'valid_from', lower(p.valid), 'valid_until', upper(p.valid), 'yen_each', p.yen_each,
                        'resolution', p.resolution, 'tax', p.tax) ORDER BY c.id, p.valid), '[]')
                    FROM billing.consumable_price p JOIN billing.consumable c ON c.id = p.consumable_id
                    WHERE p.valid && daterange(%(month)s, (%(month)s::date + interval '1 month')::date)),
    'pools', (SELECT coalesce(json_agg(json_build_object(
                  'id', p.id, 'kind', p.kind, 'name_ja', p.name_ja, 'name_en', p.name_en, 'tax', r.tax,
                  'allocation', r.allocation, 'alpha', r.alpha::text, 'rest_by', r.rest_by,
                  'variable_kinds', r.variable_kinds, 'tier_costs_yen', r.tier_costs_yen, 'carry', r.carry,
                  'legal_form', r.legal_form, 'notice_ja', r.notice_ja, 'notice_en', r.notice_en,
                  'resolution', r.resolution,
                  'brought_yen', (SELECT coalesce(sum(b.carried_yen), 0)
                                  FROM billing.pool_result b JOIN billing.period q ON q.month = b.month
                                  WHERE b.pool_id = p.id AND b.month < %(month)s AND q.status = 'closed'),
                  'machine_ids', (SELECT coalesce(json_agg(m.machine_id ORDER BY m.machine_id), '[]')
                                  FROM billing.cost_pool_machine m WHERE m.pool_id = p.id)) ORDER BY p.id), '[]')
              FROM billing.cost_pool p
              JOIN LATERAL (SELECT * FROM billing.pool_rule r WHERE r.pool_id = p.id AND r.month <= %(month)s
                            ORDER BY r.month DESC, r.entered_at DESC LIMIT 1) AS r ON true),
    'members', (SELECT coalesce(json_agg(json_build_object('id', id, 'units', ownership_units) ORDER BY id), '[]')
                FROM coop.member
                WHERE is_member AND joined_on < (%(month)s::date + interval '1 month')
                  AND (left_on IS NULL OR left_on > %(month)s)),
    'weights', (SELECT coalesce(json_agg(json_build_object(
                    'member_id', member_id, 'pool_id', pool_id, 'measure', measure, 'value', value::text)
                    ORDER BY measure, member_id, pool_id NULLS FIRST), '[]')
                FROM (SELECT DISTINCT ON (member_id, pool_id, measure) member_id, pool_id, measure, value
                      FROM billing.weight WHERE month <= %(month)s
                      ORDER BY member_id, pool_id, measure, month DESC, entered_at DESC) AS in_force),
    'costs', (SELECT coalesce(json_agg(json_build_object(
                  'id', id, 'pool_id', pool_id, 'kind', kind, 'note', note, 'amount_yen', amount_yen,
                  'machine_id', machine_id, 'estimated', estimated) ORDER BY pool_id, kind, id), '[]')
              FROM billing.cost WHERE month = %(month)s),
    'recurring', (SELECT coalesce(json_agg(json_build_object(
                      'id', id, 'pool_id', pool_id, 'machine_id', machine_id, 'kind', kind, 'note', note,
                      'yen_per_month', yen_per_month, 'estimated', estimated) ORDER BY id), '[]')
                  FROM billing.recurring_cost
                  WHERE month <= %(month)s AND (until_month IS NULL OR until_month > %(month)s)),
    'assets', (SELECT coalesce(json_agg(json_build_object(
                   'id', id, 'pool_id', pool_id, 'machine_id', machine_id, 'name_ja', name_ja, 'name_en', name_en,
                   'acquired_on', acquired_on, 'cost_yen', cost_yen, 'subsidy_yen', subsidy_yen, 'method', method,
                   'useful_life_years', useful_life_years, 'fiscal_month', fiscal_month) ORDER BY id), '[]')
               FROM billing.asset
               WHERE month <= %(month)s AND (until_month IS NULL OR until_month > %(month)s)),
    'actuals', (SELECT coalesce(json_agg(json_build_object(
                    'id', a.id, 'cost_id', a.cost_id, 'of_month', to_char(a.of_month, 'YYYY-MM'), 'pool_id', a.pool_id,
                    'kind', a.kind, 'note', a.note, 'before_yen', a.before_yen, 'amount_yen', a.amount_yen,
                    'weights', b.weights, 'variable_kinds', r.variable_kinds, 'tax', r.tax)
                    ORDER BY a.entered_at, a.id), '[]')
                FROM billing.cost_actual a
                JOIN LATERAL (SELECT * FROM billing.pool_rule r WHERE r.pool_id = a.pool_id AND r.month <= a.of_month
                              ORDER BY r.month DESC, r.entered_at DESC LIMIT 1) AS r ON true
                LEFT JOIN billing.pool_result b ON b.month = a.of_month AND b.pool_id = a.pool_id AND a.of_month < a.month
                WHERE a.month = %(month)s),
    'hostings', (SELECT coalesce(json_agg(json_build_object(
                     'id', id, 'machine_id', machine_id, 'member_id', member_id,
                     'commission_percent', commission_percent::text, 'tax', tax, 'resolution', resolution)
                     ORDER BY machine_id), '[]')
                 FROM (SELECT DISTINCT ON (machine_id) * FROM billing.hosting WHERE month <= %(month)s
                       ORDER BY machine_id, month DESC, entered_at DESC) AS in_force
                 WHERE member_id IS NOT NULL),
    'adjustments', (SELECT coalesce(json_agg(json_build_object(
                        'id', id, 'source_month', to_char(source_month, 'YYYY-MM'), 'source_n', source_n,
                        'member_id', member_id, 'reason', reason, 'source_kind', source_kind, 'machine_id', machine_id,
                        'pool_id', pool_id, 'quantity_seconds', quantity_seconds, 'amount_yen', amount_yen,
                        'tax_rate', tax_rate::text, 'numbers', numbers, 'note', note)
                        ORDER BY source_month, member_id, reason, source_n, machine_id, pool_id, id), '[]')
                    FROM billing.adjustment WHERE month = %(month)s),
    'open_points', (SELECT coalesce(json_agg(json_build_object(
                        'code', 'billing.finding.' || point.kind, 'subject', point.subject, 'params', point.params)
                        ORDER BY point.kind, point.subject), '[]')
                    FROM (SELECT 'queue' AS kind, 'machine:' || machine_id || ':' || kind AS subject,
                                 json_build_object('machine', machine_id, 'count', count(*)) AS params
                          FROM telemetry.finding
                          WHERE closed_at IS NULL AND kind <> 'closed_month_changed'
                            AND during && tstzrange(%(start)s, %(end)s)
                          GROUP BY machine_id, kind
                          UNION ALL
                          SELECT 'unregistered', 'cooperative', '{}'
                          WHERE coalesce((SELECT i.invoice_number FROM billing.issuer i ORDER BY i.id DESC LIMIT 1),
                                         (SELECT c.invoice_number FROM coop.cooperative c
                                          WHERE NOT EXISTS (SELECT FROM billing.issuer))) IS NULL
                          UNION ALL
                          SELECT 'late_unassigned', 'machine:' || u.machine_id || ':' || to_char(p.month, 'YYYY-MM'),
                                 json_build_object('machine', u.machine_id, 'of_month', to_char(p.month, 'YYYY-MM'),
                                                   'count', count(*))
                          FROM billing.period p
                          JOIN telemetry.usage u ON u.kind = 'unassigned'
                            AND u.started_at >= p.month::timestamp AT TIME ZONE %(time_zone)s
                            AND u.started_at < (p.month + interval '1 month') AT TIME ZONE %(time_zone)s
                          WHERE p.status = 'closed' AND p.month < %(month)s AND p.month >= %(month)s::date - interval '1 year'
                          GROUP BY u.machine_id, p.month) AS point),
    'blocking', (SELECT coalesce(json_object_agg(code, blocks), '{}') FROM billing.finding_rule),
    'underived', (SELECT coalesce(json_agg(DISTINCT machine_id ORDER BY machine_id), '[]')
                  FROM telemetry.dirty WHERE from_at < %(end)s AND until_at >= %(start)s)
)::text
UNION ALL
(SELECT m.id, json_build_object(
    'machine_id', m.id,
    'usages', coalesce(usage.found, '[]'),
    'reservations', coalesce(reservation.found, '[]'),
    'states', coalesce(state.found, '[]'),
    'absences', coalesce(absence.found, '[]'),
    'consumptions', coalesce(consumption.found, '[]')
)::text
FROM (SELECT id FROM coop.machine
      UNION ALL SELECT id FROM booking.resource  -- who advises for a fee
      WHERE kind = 'person' AND id IN (SELECT machine_id FROM billing.tariff)) AS m
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(id, started_at, ended_at, running_seconds, kind, member_id,
                                                 reservation_id, encode(evidence_hash, 'hex')) ORDER BY started_at) AS found
    FROM telemetry.usage
    WHERE started_at >= %(start)s AND started_at < %(end)s
      AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
    GROUP BY machine_id
) AS usage ON usage.machine_id = m.id
LEFT JOIN (
    SELECT coalesce(r.machine_id, r.resource_id) AS machine_id, json_agg(json_build_array(
               r.id, r.starts_at, r.ends_at, r.member_id, r.status IN ('confirmed', 'in_use', 'done'), r.service,
               (SELECT json_agg(json_build_array(lower(c.blocked), least(upper(c.blocked), c.released_at))
                                ORDER BY c.blocked, c.id)
                FROM booking.claim c JOIN booking.resource p ON p.id = c.resource_id
                WHERE c.reservation_id = r.id AND p.kind = 'person' AND c.need IS NOT NULL AND c.expires_at IS NULL
                  AND lower(c.blocked) < coalesce(c.released_at, 'infinity')),
               CASE WHEN r.resource_id IS NOT NULL THEN json_build_array(r.starts_at, r.ends_at)
                    WHEN l.out_at < coalesce(l.returned_at, %(end)s)
                    THEN json_build_array(l.out_at, coalesce(l.returned_at, %(end)s)) END) ORDER BY r.starts_at, r.id) AS found
    FROM booking.reservation r LEFT JOIN booking.loan l ON l.reservation_id = r.id
    WHERE (%(member_id)s::text IS NULL OR r.member_id = %(member_id)s)
          AND (r.status IN ('confirmed', 'in_use', 'done')
               AND r.starts_at < %(end)s AND greatest(r.ends_at, l.returned_at) > %(start)s
               OR l.out_at < %(end)s AND l.returned_at IS NULL)
       OR r.id IN (SELECT u.reservation_id FROM telemetry.usage u
                   WHERE u.started_at >= %(start)s AND u.started_at < %(end)s
                     AND (%(member_id)s::text IS NULL OR u.member_id = %(member_id)s))
    GROUP BY 1
) AS reservation ON reservation.machine_id = m.id
LEFT JOIN (
    SELECT e.machine_id, json_agg(json_build_array(e.kind, r.id, lower(e.during), upper(e.during), e.member_id, r.service,
                                                   e.at) ORDER BY e.at, e.id) AS found
    FROM booking.fee_event e JOIN booking.reservation r ON r.id = e.reservation_id
    WHERE e.at >= %(start)s AND e.at < %(end)s AND (%(member_id)s::text IS NULL OR e.member_id = %(member_id)s)
    GROUP BY e.machine_id
) AS absence ON absence.machine_id = m.id
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(id, consumable_id, member_id, used_on, count, reservation_id)
                                ORDER BY used_on, id) AS found
    FROM billing.consumption
    WHERE month = %(month)s AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
    GROUP BY machine_id
) AS consumption ON consumption.machine_id = m.id
LEFT JOIN (
    SELECT machine_id, json_agg(json_build_array(started_at, ended_at, state) ORDER BY started_at) AS found
    FROM telemetry.state_interval
    WHERE started_at < %(end)s AND ended_at > %(start)s
      AND (%(member_id)s::text IS NULL
           OR machine_id IN (SELECT u.machine_id FROM telemetry.usage u
                             WHERE u.started_at >= %(start)s AND u.started_at < %(end)s AND u.member_id = %(member_id)s))
    GROUP BY machine_id
) AS state ON state.machine_id = m.id
ORDER BY m.id)

-- machines_with_devices: The machines for which a device spoke in a time.
SELECT DISTINCT machine_id FROM telemetry.binding WHERE bound && tstzrange(%(start)s, %(end)s) ORDER BY machine_id

-- readings_of_machine: A machine's readings in a time (true time) by UTC day: columns for each device channel, as JSON.
SELECT day, json_agg(series ORDER BY series ->> 'device', series ->> 'channel')::text
FROM (
    SELECT ((r.at + make_interval(secs => coalesce(k.offset_seconds, 0))) AT TIME ZONE 'UTC')::date AS day,
    json_build_object(
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
    GROUP BY day, c.device_id, c.name
) AS each_series
GROUP BY day
ORDER BY day

-- changed_after_close: Machines whose use in a closed month changed since, by month: telemetry's open findings of it.
SELECT DISTINCT to_char(lower(during) AT TIME ZONE %(time_zone)s::text, 'YYYY-MM') AS source_month, machine_id
FROM telemetry.finding
WHERE kind = 'closed_month_changed' AND closed_at IS NULL
ORDER BY source_month, machine_id

-- collects_late: Whether a month is the next to close, so that it takes what came late for those before.
SELECT NOT EXISTS (SELECT FROM billing.period
                   WHERE month < %(month)s AND status <> 'closed'
                     AND month > coalesce((SELECT max(month) FROM billing.period WHERE status = 'closed'), '-infinity'))

-- forget_late: What a draft found to have come late is found anew.
DELETE FROM billing.adjustment WHERE month = %(month)s AND reason IN ('late_use', 'late_share')

-- late_before: What closed months charged already for what came late on a machine in an earlier month.
SELECT a.member_id, a.reason, a.pool_id, a.numbers ->> 'key' AS key, sum(a.quantity_seconds)::bigint, sum(a.amount_yen)::bigint
FROM billing.adjustment a JOIN billing.period p ON p.month = a.month
WHERE a.source_month = %(source_month)s AND a.machine_id = %(machine_id)s AND p.status = 'closed'
  AND a.reason IN ('late_use', 'late_share')
GROUP BY 1, 2, 3, 4

-- add_adjustment: A difference to a closed month, charged in a later one.
INSERT INTO billing.adjustment (id, month, source_month, source_n, member_id, reason, source_kind, machine_id, pool_id,
    quantity_seconds, amount_yen, tax_rate, numbers, note, entered_by, entered_at)
VALUES (%(id)s, %(month)s, %(source_month)s, %(source_n)s, %(member_id)s, %(reason)s, %(source_kind)s, %(machine_id)s,
    %(pool_id)s, %(quantity_seconds)s, %(amount_yen)s, %(tax_rate)s, %(numbers)s, %(note)s, %(entered_by)s, %(now)s)

-- next_open: The first month after the last closed one; its row may be missing still.
SELECT coalesce((SELECT min(month) FROM billing.period WHERE status <> 'closed' AND month > last.month),
                (last.month + interval '1 month')::date)
FROM (SELECT max(month) AS month FROM billing.period WHERE status = 'closed') AS last
WHERE last.month IS NOT NULL

-- add_approval: A second person agreed to a draft.
INSERT INTO billing.approval (id, month, draft_hash, how, approved_by, drafted_by, entered_by, approved_at, paper)
VALUES (%(id)s, %(month)s, %(draft_hash)s, %(how)s, %(approved_by)s, %(drafted_by)s, %(entered_by)s, %(now)s, %(paper)s)

-- approval_paper: The signed paper of the approval that stands.
SELECT a.paper FROM billing.approval a JOIN billing.period p ON p.month = a.month AND p.draft_hash = a.draft_hash
WHERE a.month = %(month)s AND a.paper IS NOT NULL

-- is_director: Whether a person may approve.
SELECT 1 FROM coop.person p JOIN coop.person_role r ON r.person_id = p.id AND r.role = 'director'
WHERE p.id = %(person_id)s AND p.active

-- add_approval_link: A link that approves a draft once.
INSERT INTO billing.approval_link (secret_hash, month, draft_hash, person_id, made_by, made_at, expires_at)
VALUES (%(secret_hash)s, %(month)s, %(draft_hash)s, %(person_id)s, %(made_by)s, %(now)s, %(expires_at)s)

-- approval_link: What a link approves, in whose name; none when it was used or has expired.
SELECT month, draft_hash, person_id FROM billing.approval_link
WHERE secret_hash = %(secret_hash)s AND used_at IS NULL AND expires_at > %(now)s

-- use_approval_link: A link has been used; only the first of two finds it.
UPDATE billing.approval_link SET used_at = %(now)s WHERE secret_hash = %(secret_hash)s AND used_at IS NULL

-- mark_settled: Everything of a month is paid.
INSERT INTO billing.period_step (month, step, taken_at, taken_by) VALUES (%(month)s, 'settled', %(now)s, %(person_id)s)
ON CONFLICT DO NOTHING

-- rule_finding: Whether findings of a code block a close.
INSERT INTO billing.finding_rule (code, blocks) VALUES (%(code)s, %(blocks)s)
ON CONFLICT (code) DO UPDATE SET blocks = excluded.blocks

-- finding_rules: Which findings block a close and which only warn, where it was decided.
SELECT code, blocks FROM billing.finding_rule ORDER BY code

-- amounts_of_month: What each member's lines of a kind and machine add up to.
SELECT s.member_id, l.kind, l.machine_id, sum(l.quantity_seconds)::bigint, sum(l.amount_yen)::bigint
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id
WHERE s.month = %(month)s
GROUP BY s.member_id, l.kind, l.machine_id

-- offer: What a link lets a person decide, and until when; none when it was used or has expired.
SELECT month, draft_hash, person_id, expires_at FROM billing.approval_link
WHERE secret_hash = %(secret_hash)s AND used_at IS NULL AND expires_at > %(now)s

-- add_refusal: A second person does not agree to a draft.
INSERT INTO billing.refusal (id, month, draft_hash, how, refused_by, refused_at, words)
VALUES (%(id)s, %(month)s, %(draft_hash)s, %(how)s, %(refused_by)s, %(now)s, %(words)s)

-- refusals: Why a month was not agreed to, newest first, from a place in the list on; whether the draft is still the same.
SELECT r.id, r.refused_at, r.refused_by, r.how, r.words, r.draft_hash IS NOT DISTINCT FROM p.draft_hash
FROM billing.refusal r JOIN billing.period p ON p.month = r.month
WHERE r.month = %(month)s
  AND (%(after_refused)s::timestamptz IS NULL OR (r.refused_at, r.id) < (%(after_refused)s, %(after_id)s::uuid))
ORDER BY r.refused_at DESC, r.id DESC
LIMIT %(limit)s
