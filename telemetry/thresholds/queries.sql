-- power_channels: The channels that tell power of the devices which speak for a machine now, by name.
SELECT c.name FROM telemetry.binding b JOIN telemetry.channel c ON c.device_id = b.device_id
WHERE b.machine_id = %(machine_id)s AND b.bound @> %(now)s::timestamptz AND c.name ~ 'power'
ORDER BY c.name <> 'power', c.name

-- readings: A channel's finite numbers of a stretch in true time, in order.
SELECT r.at + shift, r.value
FROM telemetry.reading r
LEFT JOIN telemetry.clock_correction k ON k.device_id = %(device_id)s AND k.during @> r.at
CROSS JOIN LATERAL make_interval(secs => coalesce(k.offset_seconds, 0)) AS shift
JOIN telemetry.binding b ON b.device_id = %(device_id)s AND b.machine_id = %(machine_id)s AND b.bound @> r.at + shift
WHERE r.channel_id = %(channel_id)s AND r.at >= %(first)s AND r.at < %(last)s
  AND r.at + shift >= %(since)s AND r.at + shift < %(until)s
  AND r.value > '-Infinity' AND r.value < 'Infinity'
ORDER BY r.at + shift, r.tie

-- latest: The newest number of a channel that is not older than a moment.
SELECT r.at, r.value FROM telemetry.binding b
JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = %(channel)s
CROSS JOIN LATERAL (SELECT at, value FROM telemetry.reading
                    WHERE channel_id = c.id AND at >= %(since)s AND at <= %(now)s + interval '1 minute'
                      AND value > '-Infinity' AND value < 'Infinity'
                    ORDER BY at DESC, tie DESC LIMIT 1) AS r
WHERE b.machine_id = %(machine_id)s AND b.bound @> %(now)s::timestamptz
ORDER BY r.at DESC LIMIT 1
