-- Use of a machine without a reservation, once somebody said whose it was: telemetry tells it, and what was measured
-- then is recalled like what was measured in a reservation.

CREATE TABLE booking.walk_up (
    id         uuid PRIMARY KEY,
    machine_id text NOT NULL CONSTRAINT walk_up_machine_exists REFERENCES coop.machine (id),
    during     tstzrange NOT NULL CONSTRAINT walk_up_not_empty CHECK (NOT isempty(during)),
    member_id  text NOT NULL CONSTRAINT walk_up_member_exists REFERENCES coop.member (id),
    person_id  uuid CONSTRAINT walk_up_person_exists REFERENCES coop.person (id)
);

COMMENT ON COLUMN booking.walk_up.id IS 'of the usage that telemetry derived';

CREATE INDEX walk_up_by_machine ON booking.walk_up USING gist (machine_id, during);

-- A recall of a walk-up keeps whose it was and when: what is derived anew may get another id.
ALTER TABLE booking.recall
    ALTER COLUMN reservation_id DROP NOT NULL,
    ADD COLUMN during tstzrange,
    ADD COLUMN member_id text CONSTRAINT recall_member_exists REFERENCES coop.member (id),
    ADD COLUMN person_id uuid CONSTRAINT recall_person_exists REFERENCES coop.person (id),
    ADD CONSTRAINT recall_of_reservation_or_walk_up
        CHECK ((reservation_id IS NULL) = (during IS NOT NULL) AND (reservation_id IS NULL) = (member_id IS NOT NULL)),
    ADD CONSTRAINT recall_walk_up_once EXCLUDE USING gist (check_id WITH =, member_id WITH =, during WITH &&);
