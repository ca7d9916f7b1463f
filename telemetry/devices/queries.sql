-- add_device: Enter something that reports.
INSERT INTO telemetry.device (id, address, decoder, added_at) VALUES (%(id)s, %(address)s, %(decoder)s, %(now)s)

-- devices: All devices by id.
SELECT id, address, decoder FROM telemetry.device ORDER BY id

-- end_binding: A device stops speaking for the machine that it has had since before a moment.
UPDATE telemetry.binding SET bound = tstzrange(lower(bound), %(since)s)
WHERE device_id = %(device_id)s AND bound @> %(since)s::timestamptz AND upper_inf(bound) AND lower(bound) < %(since)s
RETURNING machine_id

-- add_binding: A device speaks for a machine from a moment on.
INSERT INTO telemetry.binding (device_id, machine_id, bound)
VALUES (%(device_id)s, %(machine_id)s, tstzrange(%(since)s, NULL))

-- add_clock_correction: A person confirms by how much a device's clock was wrong, and when.
INSERT INTO telemetry.clock_correction (device_id, during, offset_seconds, confirmed_by, confirmed_at)
VALUES (%(device_id)s, tstzrange(%(start)s, %(end)s), %(offset_seconds)s, %(confirmed_by)s, %(now)s)

-- device_list: The devices with the machine each speaks for now and when it last reported.
SELECT d.id, d.decoder, d.address, b.machine_id,
       (SELECT max(last.received_at) FROM telemetry.channel c
        CROSS JOIN LATERAL (SELECT received_at FROM telemetry.reading
                            WHERE channel_id = c.id ORDER BY at DESC, tie DESC LIMIT 1) AS last
        WHERE c.device_id = d.id)
FROM telemetry.device d
LEFT JOIN telemetry.binding b ON b.device_id = d.id AND b.bound @> %(now)s::timestamptz
ORDER BY d.id
