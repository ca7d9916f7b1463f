-- How people get in, which service somebody waits for, and what a badge reader is told.

-- Where the key is and how to get in, as the office words it. Told to who has a reservation, not to everybody.
CREATE TABLE booking.access (
    machine_id text PRIMARY KEY CONSTRAINT access_machine_exists REFERENCES coop.machine (id),
    note_ja    text NOT NULL,
    note_en    text NOT NULL,
    CONSTRAINT access_says_something CHECK (note_ja <> '' AND note_en <> '')
);

-- Who waits may need more than the machine: all of it is held by the offer.
ALTER TABLE booking.waitlist_request
    ADD COLUMN service text NOT NULL DEFAULT 'self_use' CONSTRAINT waitlist_service_known
        CHECK (service IN ('self_use', 'attended', 'commissioned', 'loan')),
    ADD COLUMN options text[] NOT NULL DEFAULT '{}',
    ADD COLUMN instructor_id uuid CONSTRAINT waitlist_instructor_exists REFERENCES coop.person (id);

COMMENT ON COLUMN booking.waitlist_request.options IS 'the optional needs of the service that are asked for';
COMMENT ON COLUMN booking.waitlist_request.instructor_id IS 'who instructs somebody that may not be alone';

-- What the last badge at a machine did, or why nothing: its reader shows it for a moment.
CREATE TABLE booking.tap (
    machine_id text PRIMARY KEY CONSTRAINT tap_machine_exists REFERENCES coop.machine (id),
    at         timestamptz NOT NULL,
    what       text NOT NULL CONSTRAINT tap_what_known
               CHECK (what IN ('came', 'left', 'unknown_badge', 'no_booking'))
);
