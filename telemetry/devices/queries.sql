-- add_device: Enter something that reports.
INSERT INTO telemetry.device (id, address, decoder, topic, mapping, added_at)
VALUES (%(id)s, %(address)s, %(decoder)s, %(topic)s, %(mapping)s, %(now)s)

-- devices: All devices by id.
SELECT id, address, decoder, topic, mapping FROM telemetry.device ORDER BY id

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

-- change_device: How often a device should report, whether it is an interlock, and how its messages are read.
UPDATE telemetry.device SET expected_seconds = coalesce(%(expected_seconds)s, expected_seconds),
    hears_commands = coalesce(%(hears_commands)s, hears_commands),
    decoder = coalesce(%(decoder)s, decoder), mapping = coalesce(%(mapping)s, mapping)
WHERE id = %(id)s RETURNING id

-- bindings: For which machines a device spoke and speaks, by time.
SELECT machine_id, lower(bound), upper(bound) FROM telemetry.binding
WHERE device_id = %(device_id)s AND (%(after)s::timestamptz IS NULL OR lower(bound) > %(after)s)
ORDER BY bound LIMIT %(limit)s

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

-- device_is_known: Whether there is such a device.
SELECT FROM telemetry.device WHERE id = %(id)s

-- heard_devices: The devices with the machine each speaks for now, and what their latest messages tell of them.
SELECT d.id, d.decoder, d.address, d.topic, d.expected_seconds, d.hears_commands, b.machine_id,
       lately.last_received_at, word.text, word.received_at, lately.per_minute, lately.late_seconds,
       coalesce(refused.rejected, 0), account.username
FROM telemetry.device d
LEFT JOIN telemetry.binding b ON b.device_id = d.id AND b.bound @> %(now)s::timestamptz
LEFT JOIN LATERAL (
    SELECT max(of_one.last_received_at) AS last_received_at, max(of_one.per_minute) AS per_minute,
           min(of_one.late_seconds) AS late_seconds
    FROM telemetry.channel c
    CROSS JOIN LATERAL (
        SELECT max(message.received_at) AS last_received_at,
               60 * (sum(message.readings) - 1)::double precision
                   / nullif(extract(epoch FROM max(message.last_at) - min(message.first_at)), 0)::double precision AS per_minute,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM message.received_at - message.last_at)::double precision)
                   FILTER (WHERE message.received_at <> message.last_at) AS late_seconds
        FROM (SELECT received_at, min(at) AS first_at, max(at) AS last_at, count(*) AS readings
              FROM (SELECT at, received_at FROM telemetry.reading
                    WHERE channel_id = c.id ORDER BY at DESC, tie DESC LIMIT %(latest)s) latest
              GROUP BY received_at) message
    ) of_one
    WHERE c.device_id = d.id AND c.name <> 'availability'
) lately ON true
LEFT JOIN LATERAL (
    SELECT lower(r.text) AS text, r.received_at FROM telemetry.channel c
    JOIN telemetry.reading r ON r.channel_id = c.id
    WHERE c.device_id = d.id AND c.name = 'availability'
    ORDER BY r.at DESC, r.tie DESC LIMIT 1
) word ON true
LEFT JOIN LATERAL (
    SELECT sum(rejected)::integer AS rejected FROM telemetry.reject_day
    WHERE device_id = d.id AND day >= (%(now)s::timestamptz AT TIME ZONE 'UTC')::date - 1
) refused ON true
LEFT JOIN LATERAL (
    SELECT username FROM telemetry.account
    WHERE device_id = d.id AND (ends_at IS NULL OR ends_at > %(now)s) ORDER BY issued_at DESC, username DESC LIMIT 1
) account ON true
WHERE (%(id)s::text IS NULL OR d.id = %(id)s) AND (%(after)s::text IS NULL OR d.id > %(after)s)
ORDER BY d.id LIMIT %(limit)s

-- open_alerts: What is not over, newest first.
SELECT id, kind, device_id, machine_id, detail, raised_at FROM telemetry.alert
WHERE closed_at IS NULL AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s

-- close_alerts: The alerts of a kind about others than these are over.
UPDATE telemetry.alert SET closed_at = greatest(%(now)s, raised_at)
WHERE kind = %(kind)s AND closed_at IS NULL
  AND CASE WHEN %(of_machine)s THEN machine_id ELSE device_id END <> ALL (%(subjects)s)

-- raise_alert: Somebody should look at this, unless it is open already.
INSERT INTO telemetry.alert (kind, device_id, machine_id, detail, raised_at)
VALUES (%(kind)s, %(device_id)s, %(machine_id)s, %(detail)s, %(now)s)
ON CONFLICT DO NOTHING

-- rejecting: The devices whose messages were rejected since a moment, with how many it were that day.
SELECT device_id, sum(rejected)::integer FROM telemetry.reject_day
WHERE device_id IS NOT NULL AND last_at >= %(since)s AND day >= %(day)s::date - 1
GROUP BY device_id

-- tell_alerts: The open alerts that are old enough and of which nobody was told; now somebody is.
UPDATE telemetry.alert SET told_at = %(now)s
WHERE closed_at IS NULL AND told_at IS NULL AND raised_at <= %(before)s
RETURNING id

-- people_of_role: The people who have a role.
SELECT p.id FROM coop.person p JOIN coop.person_role r ON r.person_id = p.id
WHERE p.active AND r.role = %(role)s ORDER BY p.id

-- enter_signal_days: One day of each machine that has a power rule, unless it is written down already.
INSERT INTO telemetry.signal_day (machine_id, day, idle_watts, idle_seconds, running_seconds, booked_seconds)
SELECT rule.machine_id, %(day)s, level.watts, coalesce(seen.idle_seconds, 0), coalesce(seen.running_seconds, 0),
       coalesce(booked.seconds, 0)
FROM telemetry.state_rule rule
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.value) AS watts
    FROM telemetry.state_interval i
    JOIN telemetry.binding b ON b.machine_id = i.machine_id AND b.bound && tstzrange(%(since)s, %(until)s)
    JOIN telemetry.channel c ON c.device_id = b.device_id AND c.name = rule.channel
    JOIN telemetry.reading r ON r.channel_id = c.id AND b.bound @> r.at
        AND r.at >= greatest(i.started_at, %(since)s) AND r.at < least(i.ended_at, %(until)s)
    WHERE i.machine_id = rule.machine_id AND i.state = 'idle' AND r.value > '-Infinity' AND r.value < 'Infinity'
      AND tstzrange(i.started_at, i.ended_at) && tstzrange(%(since)s, %(until)s)
) level ON true
LEFT JOIN LATERAL (
    SELECT sum(extract(epoch FROM least(i.ended_at, %(until)s) - greatest(i.started_at, %(since)s)))
               FILTER (WHERE i.state = 'idle')::integer AS idle_seconds,
           sum(extract(epoch FROM least(i.ended_at, %(until)s) - greatest(i.started_at, %(since)s)))
               FILTER (WHERE i.state = 'running')::integer AS running_seconds
    FROM telemetry.state_interval i
    WHERE i.machine_id = rule.machine_id AND tstzrange(i.started_at, i.ended_at) && tstzrange(%(since)s, %(until)s)
) seen ON true
LEFT JOIN LATERAL (
    SELECT sum(extract(epoch FROM least(b.ends_at, %(until)s) - greatest(b.starts_at, %(since)s)))::integer AS seconds
    FROM booking.reservation b
    WHERE b.machine_id = rule.machine_id AND b.status IN ('in_use', 'done') AND b.starts_at < %(until)s AND b.ends_at > %(since)s
) booked ON true
WHERE rule.kind = 'power' AND rule.valid @> %(since)s::timestamptz
ON CONFLICT DO NOTHING

-- forget_signal_days: Days that no comparison reaches back to.
DELETE FROM telemetry.signal_day WHERE day < %(oldest)s

-- power_rules: The machines whose state is read from power now, with the level below which they count as idle.
SELECT machine_id, off_watts FROM telemetry.state_rule
WHERE kind = 'power' AND off_watts IS NOT NULL AND valid @> %(now)s::timestamptz ORDER BY machine_id

-- signal_days: The days of a machine from one on.
SELECT day, idle_watts, idle_seconds, running_seconds, booked_seconds FROM telemetry.signal_day
WHERE machine_id = %(machine_id)s AND day >= %(since)s ORDER BY day

-- alerts_by_id: Alerts that are still open, with what they are about.
SELECT a.id, a.kind, a.device_id, a.machine_id, a.detail, a.raised_at
FROM telemetry.alert a WHERE a.id = ANY (%(ids)s) AND a.closed_at IS NULL ORDER BY a.raised_at, a.id

-- reader: A person who gets a mail.
SELECT name, email, locale FROM coop.person WHERE id = %(id)s AND active AND email <> ''
