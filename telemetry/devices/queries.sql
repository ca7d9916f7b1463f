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

-- change_device: How often a device should report, and whether it is an interlock.
UPDATE telemetry.device SET expected_seconds = coalesce(%(expected_seconds)s, expected_seconds),
    hears_commands = coalesce(%(hears_commands)s, hears_commands)
WHERE id = %(id)s RETURNING id

-- bindings: For which machines a device spoke and speaks, by time.
SELECT machine_id, lower(bound), upper(bound) FROM telemetry.binding WHERE device_id = %(device_id)s ORDER BY bound

-- lock_device: What a device's account is made of; nobody else changes it until the transaction ends.
SELECT address, topic, hears_commands FROM telemetry.device WHERE id = %(id)s FOR UPDATE

-- count_accounts: How many accounts a device ever had.
SELECT count(*) FROM telemetry.account WHERE device_id = %(device_id)s

-- add_account: Enter an account that holds until it is ended.
INSERT INTO telemetry.account (username, device_id, password_hash, issued_at)
VALUES (%(username)s, %(device_id)s, %(password_hash)s, %(now)s)

-- end_accounts: The accounts of a device that would hold longer end at a moment.
UPDATE telemetry.account SET ends_at = greatest(%(at)s, issued_at)
WHERE device_id = %(device_id)s AND (ends_at IS NULL OR ends_at > %(at)s) AND removed_at IS NULL
RETURNING username

-- accounts_to_forget: The accounts that are over and that the broker still knows.
SELECT username FROM telemetry.account WHERE ends_at <= %(now)s AND removed_at IS NULL ORDER BY username

-- account_forgotten: The broker knows this account no more.
UPDATE telemetry.account SET removed_at = %(now)s WHERE username = %(username)s

-- admitted: The accounts that hold at a moment, with what their rights are made of.
SELECT a.username, a.password_hash, d.address, d.topic, d.hears_commands
FROM telemetry.account a JOIN telemetry.device d ON d.id = a.device_id
WHERE a.ends_at IS NULL OR a.ends_at > %(now)s
ORDER BY a.username
