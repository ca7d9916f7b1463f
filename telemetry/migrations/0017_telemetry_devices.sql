-- A device's account at the broker, how often it should report, and what somebody has to look at.

ALTER TABLE telemetry.device
    ADD COLUMN expected_seconds integer NOT NULL DEFAULT 60
        CONSTRAINT device_reports_at_least_daily CHECK (expected_seconds BETWEEN 1 AND 86400),
    ADD COLUMN hears_commands boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN telemetry.device.expected_seconds IS 'at least one message in so many seconds; three missed: offline';
COMMENT ON COLUMN telemetry.device.hears_commands IS 'an interlock: its account may subscribe to the commands to it';

-- An account at the broker. A device that changes its password has two for a while, each under a name of its own.
-- The password was shown once; the embedded broker checks it against this hash, Mosquitto keeps one of its own.
CREATE TABLE telemetry.account (
    username      text PRIMARY KEY,
    device_id     text NOT NULL CONSTRAINT account_device_exists REFERENCES telemetry.device (id),
    password_hash text NOT NULL CONSTRAINT account_password_is_bcrypt CHECK (password_hash ~ '^\$2b\$'),
    issued_at     timestamptz NOT NULL,
    ends_at       timestamptz CONSTRAINT account_ends_after_it_began CHECK (ends_at >= issued_at),
    removed_at    timestamptz CONSTRAINT account_removed_when_over CHECK (removed_at IS NULL OR ends_at IS NOT NULL)
);

COMMENT ON COLUMN telemetry.account.removed_at IS 'when the broker forgot an account that is over';

CREATE INDEX account_by_device ON telemetry.account (device_id);

REVOKE DELETE, TRUNCATE ON telemetry.account FROM moyai_app;

-- What one day said of a machine's power, kept so that a change of character shows without reading weeks again.
CREATE TABLE telemetry.signal_day (
    machine_id      text NOT NULL CONSTRAINT signal_day_machine_exists REFERENCES coop.machine (id),
    day             date NOT NULL,
    idle_watts      double precision,
    idle_seconds    integer NOT NULL,
    running_seconds integer NOT NULL,
    booked_seconds  integer NOT NULL,
    PRIMARY KEY (machine_id, day)
);

COMMENT ON COLUMN telemetry.signal_day.idle_watts IS 'median power while idle; none on a day without';

-- Something that a person should look at. It closes by itself when it is no longer so.
CREATE TABLE telemetry.alert (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CONSTRAINT alert_kind_known CHECK (kind IN ('offline', 'rejects', 'idle_drifted', 'never_running')),
    device_id  text CONSTRAINT alert_device_exists REFERENCES telemetry.device (id),
    machine_id text CONSTRAINT alert_machine_exists REFERENCES coop.machine (id),
    detail     jsonb NOT NULL DEFAULT '{}',
    raised_at  timestamptz NOT NULL,
    told_at    timestamptz,
    closed_at  timestamptz CONSTRAINT alert_closes_after_it_was_raised CHECK (closed_at >= raised_at),
    CONSTRAINT alert_has_one_subject CHECK (num_nonnulls(device_id, machine_id) = 1)
);

CREATE UNIQUE INDEX alert_once_while_open ON telemetry.alert (kind, coalesce(device_id, ''), coalesce(machine_id, ''))
    WHERE closed_at IS NULL;

REVOKE DELETE, TRUNCATE ON telemetry.alert FROM moyai_app;

-- A process says that it cannot work yet when tables are missing.
GRANT SELECT ON _yoyo_migration TO moyai_app;
