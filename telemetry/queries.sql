-- What people decide, and what booking is told.

-- add_decision: Remember what a person decided about a stretch on the evidence of this moment.
INSERT INTO telemetry.decision (machine_id, during, evidence_hash, resolution, member_id, reservation_id, person_id, reason,
    decided_by, decided_at)
VALUES (%(machine_id)s, tstzrange(%(started_at)s, %(ended_at)s), %(evidence_hash)s, %(resolution)s, %(member_id)s,
    %(reservation_id)s, %(person_id)s, %(reason)s, %(decided_by)s, %(now)s)
RETURNING id

-- findings: What a person must look at, with the stretch it is about.
SELECT f.id, f.machine_id, f.kind, f.decision_id, lower(d.during), upper(d.during), f.opened_at
FROM telemetry.finding f JOIN telemetry.decision d ON d.id = f.decision_id
WHERE f.closed_at IS NULL ORDER BY lower(d.during), f.id

-- reservation_of_machine: Whose a reservation of this machine is.
SELECT member_id, person_id FROM booking.reservation WHERE id = %(id)s AND machine_id = %(machine_id)s

-- room_temperature: The last temperature that a device bound to a machine reported of its room, by the corrected clock.
SELECT r.at + make_interval(secs => coalesce(k.offset_seconds, 0)), r.value, r.received_at
FROM telemetry.binding b
JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = 'room_temperature'
CROSS JOIN LATERAL (SELECT at, value, received_at FROM telemetry.reading
                    WHERE channel_id = c.id AND b.bound @> at AND at <= received_at + interval '5 minutes'
                      AND value BETWEEN -50 AND 100
                    ORDER BY at DESC, tie DESC LIMIT 1) r
LEFT JOIN telemetry.clock_correction k ON k.device_id = b.device_id AND k.during @> r.at
WHERE b.machine_id = %(machine_id)s AND upper_inf(b.bound)
ORDER BY r.at DESC LIMIT 1

-- machine_at_address: The machine that the device at an address speaks for at a moment.
SELECT b.machine_id FROM telemetry.device d JOIN telemetry.binding b ON b.device_id = d.id
WHERE d.address = %(address)s AND b.bound @> %(at)s::timestamptz
