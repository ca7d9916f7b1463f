-- Whether a machine may be trusted: calibration, the daily check on a master, the room; and whom a failure concerns.

CREATE TABLE booking.calibration (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    machine_id  text NOT NULL CONSTRAINT calibration_machine_exists REFERENCES coop.machine (id),
    number      text NOT NULL,
    issued_on   date NOT NULL,
    valid_until date NOT NULL,
    document    text NOT NULL DEFAULT '',
    CONSTRAINT calibration_number_once UNIQUE (machine_id, number),
    CONSTRAINT calibration_valid_after_issue CHECK (valid_until >= issued_on)
);

COMMENT ON COLUMN booking.calibration.valid_until IS 'the last local day on which it is valid';

-- What is measured each day, and what must come out.
CREATE TABLE booking.master (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    machine_id  text NOT NULL CONSTRAINT master_machine_exists REFERENCES coop.machine (id),
    name        text NOT NULL,
    unit        text NOT NULL,
    lower_limit numeric NOT NULL,
    upper_limit numeric NOT NULL,
    retired_at  timestamptz,
    CONSTRAINT master_limits_in_order CHECK (upper_limit >= lower_limit)
);

CREATE UNIQUE INDEX master_name_once ON booking.master (machine_id, name) WHERE retired_at IS NULL;

-- Append-only: a wrong entry is followed by a right one. The limits are those of its day.
CREATE TABLE booking.master_check (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    master_id   uuid NOT NULL CONSTRAINT master_check_master_exists REFERENCES booking.master (id),
    checked_at  timestamptz NOT NULL,
    value       numeric NOT NULL,
    lower_limit numeric NOT NULL,
    upper_limit numeric NOT NULL,
    passed      boolean NOT NULL GENERATED ALWAYS AS (value BETWEEN lower_limit AND upper_limit) STORED,
    checked_by  uuid CONSTRAINT master_check_person_exists REFERENCES coop.person (id),
    CONSTRAINT master_check_once UNIQUE (master_id, checked_at)
);

REVOKE UPDATE, DELETE, TRUNCATE ON booking.master_check FROM moyai_app;

-- The last temperature of the room around a machine; its history is telemetry's.
CREATE TABLE booking.room_temperature (
    machine_id text PRIMARY KEY CONSTRAINT room_temperature_machine_exists REFERENCES coop.machine (id),
    at         timestamptz NOT NULL,
    celsius    numeric NOT NULL
);

-- Reservations between the last pass and a failed check: what was measured then is to be looked at again.
CREATE TABLE booking.recall (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    check_id       uuid NOT NULL CONSTRAINT recall_check_exists REFERENCES booking.master_check (id),
    reservation_id uuid NOT NULL CONSTRAINT recall_reservation_exists REFERENCES booking.reservation (id),
    found_at       timestamptz NOT NULL,
    seen_at        timestamptz,
    CONSTRAINT recall_once UNIQUE (check_id, reservation_id)
);

CREATE INDEX recall_by_reservation ON booking.recall (reservation_id);
