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
