-- What machines say: devices, their channels and readings, what could not be read, and what has to be derived anew.

CREATE SCHEMA telemetry;

GRANT USAGE ON SCHEMA telemetry TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA telemetry GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA telemetry GRANT USAGE ON SEQUENCES TO moyai_app;

-- Something that reports: a smart plug, a contact, a machine's own interface.
CREATE TABLE telemetry.device (
    id       text PRIMARY KEY CONSTRAINT device_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    decoder  text NOT NULL DEFAULT 'json' CONSTRAINT device_decoder_known CHECK (decoder IN ('json')),
    address  text NOT NULL CONSTRAINT device_address_is_unique UNIQUE
        CONSTRAINT device_address_is_one_level CHECK (address ~ '^[A-Za-z0-9][A-Za-z0-9_:-]{0,62}$'),
    added_at timestamptz NOT NULL
);

COMMENT ON COLUMN telemetry.device.address IS 'the level of its topics after moyai/<coop>/';

-- One kind of value of a device (power, execution). Made when it is first heard of, never removed: readings name it.
CREATE TABLE telemetry.channel (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text NOT NULL CONSTRAINT channel_device_exists REFERENCES telemetry.device (id),
    name      text NOT NULL CONSTRAINT channel_name_is_one_level CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_:-]{0,62}$'),
    CONSTRAINT channel_name_is_unique UNIQUE (device_id, name)
);

REVOKE DELETE, TRUNCATE ON telemetry.device, telemetry.channel FROM moyai_app;

-- Which machine a device speaks for, and when. A machine may have several devices; a device has one machine at a time.
CREATE TABLE telemetry.binding (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  text NOT NULL CONSTRAINT binding_device_exists REFERENCES telemetry.device (id),
    machine_id text NOT NULL CONSTRAINT binding_machine_exists REFERENCES coop.machine (id),
    bound      tstzrange NOT NULL CONSTRAINT binding_not_empty CHECK (NOT isempty(bound)),
    CONSTRAINT binding_one_machine_at_a_time EXCLUDE USING gist (device_id WITH =, bound WITH &&)
);

CREATE INDEX binding_by_machine ON telemetry.binding (machine_id);

-- A device's clock was wrong by a known amount: true time = device time + offset, for device times in `during`.
CREATE TABLE telemetry.clock_correction (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id      text NOT NULL CONSTRAINT clock_correction_device_exists REFERENCES telemetry.device (id),
    during         tstzrange NOT NULL CONSTRAINT clock_correction_not_empty CHECK (NOT isempty(during)),
    offset_seconds integer NOT NULL CONSTRAINT clock_correction_within_a_day
        CHECK (offset_seconds BETWEEN -86400 AND 86400),
    confirmed_by   uuid CONSTRAINT clock_correction_confirmed_by_exists REFERENCES coop.person (id),
    confirmed_at   timestamptz NOT NULL,
    CONSTRAINT clock_correction_one_at_a_time EXCLUDE USING gist (device_id WITH =, during WITH &&)
);

-- One measurement as the device stated it: `at` is the device's time, or that of receipt when it told none. `tie` is
-- its sequence number or a hash of the value. A foreign key to channel would cost more than the row; channels stay.
CREATE TABLE telemetry.reading (
    channel_id  integer NOT NULL,
    at          timestamptz NOT NULL,
    tie         bigint NOT NULL,
    value       double precision,
    text        text,
    received_at timestamptz NOT NULL,
    CONSTRAINT reading_is_unique PRIMARY KEY (channel_id, at, tie),
    CONSTRAINT reading_is_number_or_text CHECK (num_nonnulls(value, text) = 1)
);

-- A machine's readings in [from_at, until_at] (true time, both ends included) changed. Only ever inserted by the
-- ingesters, so that no two of them wait for one row; derivation deletes what it takes up.
CREATE TABLE telemetry.dirty (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id text NOT NULL CONSTRAINT dirty_machine_exists REFERENCES coop.machine (id),
    from_at    timestamptz NOT NULL,
    until_at   timestamptz NOT NULL,
    CONSTRAINT dirty_until_not_before_from CHECK (until_at >= from_at)
);

CREATE INDEX dirty_by_machine ON telemetry.dirty (machine_id, from_at);

-- A message that could not be taken, with its bytes: it can be looked at, and replayed after a fix.
CREATE TABLE telemetry.reject (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at   timestamptz NOT NULL,
    topic         text NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL DEFAULT '',
    payload       bytea NOT NULL,
    payload_bytes integer NOT NULL
);

COMMENT ON COLUMN telemetry.reject.payload_bytes IS 'length as received; payload holds the beginning of a longer one';

CREATE INDEX reject_by_age ON telemetry.reject (received_at);

-- Messages without an identity of their own (no device time, or unreadable) as they were last stored per client and
-- packet id: the broker's redelivery of one is recognised. The broker reuses an id only after its acknowledgement.
CREATE TABLE telemetry.delivery (
    client      text NOT NULL,
    mid         integer NOT NULL,
    hash        bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (client, mid)
);
