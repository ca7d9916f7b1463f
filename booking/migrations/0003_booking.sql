-- Booking: who may use which machine when. The exclusion constraint on claims decides every conflict.

CREATE SCHEMA booking;

GRANT USAGE ON SCHEMA booking TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA booking GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA booking GRANT USAGE ON SEQUENCES TO moyai_app;

-- What can be claimed for a time. N identical units are N rows; whoever books locks these rows in id order.
CREATE TABLE booking.resource (
    id         text PRIMARY KEY,
    kind       text NOT NULL,
    machine_id text CONSTRAINT resource_machine_exists REFERENCES coop.machine (id),
    CONSTRAINT resource_is_machine_unique UNIQUE (machine_id),
    CONSTRAINT resource_of_machine_has_its_id CHECK (machine_id IS NULL OR (machine_id = id AND kind = 'machine'))
);

-- What a machine asks of a reservation's times.
CREATE TABLE booking.policy (
    machine_id          text PRIMARY KEY CONSTRAINT policy_machine_exists REFERENCES coop.machine (id),
    granularity_minutes integer NOT NULL DEFAULT 15 CONSTRAINT policy_granularity_divides_the_hour
                        CHECK (granularity_minutes > 0 AND 60 % granularity_minutes = 0),
    shortest_minutes    integer NOT NULL DEFAULT 15 CONSTRAINT policy_shortest_positive CHECK (shortest_minutes > 0),
    longest_minutes     integer NOT NULL DEFAULT 1440,
    horizon_days        integer NOT NULL DEFAULT 90 CONSTRAINT policy_horizon_positive CHECK (horizon_days > 0),
    CONSTRAINT policy_longest_not_under_shortest CHECK (longest_minutes >= shortest_minutes)
);

CREATE FUNCTION booking.enter_machine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.resource (id, kind, machine_id) VALUES (NEW.id, 'machine', NEW.id);
    INSERT INTO booking.policy (machine_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER machine_enters_booking AFTER INSERT ON coop.machine
    FOR EACH ROW EXECUTE FUNCTION booking.enter_machine();

INSERT INTO booking.resource (id, kind, machine_id) SELECT id, 'machine', id FROM coop.machine;

INSERT INTO booking.policy (machine_id) SELECT id FROM coop.machine;

CREATE TABLE booking.reservation (
    id         uuid PRIMARY KEY,
    uid        text NOT NULL CONSTRAINT reservation_uid_is_unique UNIQUE,
    machine_id text NOT NULL CONSTRAINT reservation_machine_exists REFERENCES coop.machine (id),
    member_id  text NOT NULL CONSTRAINT reservation_member_exists REFERENCES coop.member (id),
    person_id  uuid CONSTRAINT reservation_person_exists REFERENCES coop.person (id),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    status     text NOT NULL CONSTRAINT reservation_status_known CHECK (status IN
        ('held', 'pending', 'confirmed', 'in_use', 'done', 'released', 'cancelled')),
    purpose    text NOT NULL DEFAULT '',
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT reservation_not_empty CHECK (ends_at > starts_at)
);

COMMENT ON COLUMN booking.reservation.uid IS 'the calendar UID: a move keeps it';
COMMENT ON COLUMN booking.reservation.person_id IS 'null: the office booked for the member and named nobody';
COMMENT ON COLUMN booking.reservation.purpose IS 'seen by its person and the operator only';

CREATE INDEX reservation_by_machine ON booking.reservation (machine_id, ends_at);

CREATE INDEX reservation_by_member ON booking.reservation (member_id, ends_at);

CREATE INDEX reservation_by_person ON booking.reservation (person_id, ends_at);

-- One resource taken for one time, set-up and tear-down included.
CREATE TABLE booking.claim (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reservation_id uuid NOT NULL CONSTRAINT claim_reservation_exists REFERENCES booking.reservation (id) ON DELETE CASCADE,
    resource_id    text NOT NULL CONSTRAINT claim_resource_exists REFERENCES booking.resource (id),
    blocked        tstzrange NOT NULL CONSTRAINT claim_blocks_a_time CHECK (
                       NOT isempty(blocked) AND NOT lower_inf(blocked) AND NOT upper_inf(blocked)
                       AND lower_inc(blocked) AND NOT upper_inc(blocked)),
    expires_at     timestamptz,
    released_at    timestamptz,
    CONSTRAINT claim_no_overlap EXCLUDE USING gist (resource_id WITH =, blocked WITH &&)
        WHERE (released_at IS NULL) DEFERRABLE INITIALLY IMMEDIATE
);

COMMENT ON COLUMN booking.claim.expires_at IS 'the end of a hold, by the clock of the database; null: no hold';
COMMENT ON COLUMN booking.claim.released_at IS 'when the time was given back; null: taken';

CREATE INDEX claim_by_reservation ON booking.claim (reservation_id);

CREATE INDEX claim_held ON booking.claim (resource_id) WHERE expires_at IS NOT NULL;
