-- Presence: who waits for time, who is there, who did not come, and which machine may start.

-- Somebody waits for time: on one machine, or on any of a kind that is big enough, within a window.
CREATE TABLE booking.waitlist_request (
    id             uuid PRIMARY KEY,
    machine_id     text CONSTRAINT waitlist_machine_exists REFERENCES coop.machine (id),
    kind           text,
    range_x_mm     numeric,
    range_y_mm     numeric,
    range_z_mm     numeric,
    table_load_kg  numeric,
    member_id      text NOT NULL CONSTRAINT waitlist_member_exists REFERENCES coop.member (id),
    person_id      uuid NOT NULL CONSTRAINT waitlist_person_exists REFERENCES coop.person (id),
    purpose        text NOT NULL DEFAULT '',
    length_minutes integer NOT NULL CONSTRAINT waitlist_length_positive CHECK (length_minutes > 0),
    earliest_start timestamptz NOT NULL,
    latest_end     timestamptz NOT NULL,
    status         text NOT NULL DEFAULT 'waiting' CONSTRAINT waitlist_status_known
                   CHECK (status IN ('waiting', 'served', 'withdrawn', 'lapsed')),
    created_at     timestamptz NOT NULL,
    CONSTRAINT waitlist_names_machine_or_kind CHECK ((machine_id IS NULL) <> (kind IS NULL)),
    CONSTRAINT waitlist_window_holds_the_length
        CHECK (earliest_start + length_minutes * interval '1 minute' <= latest_end)
);

COMMENT ON COLUMN booking.waitlist_request.purpose IS 'seen by its person and the operator only';

CREATE INDEX waitlist_waiting ON booking.waitlist_request (latest_end) WHERE status = 'waiting';

CREATE INDEX waitlist_by_person ON booking.waitlist_request (person_id, created_at);

-- Freed time that is held for somebody until they answer. The slot is never free between two offers, and nobody is
-- offered the same time of a machine twice for one request.
CREATE TABLE booking.offer (
    id             uuid PRIMARY KEY,
    request_id     uuid NOT NULL CONSTRAINT offer_request_exists REFERENCES booking.waitlist_request (id),
    reservation_id uuid CONSTRAINT offer_reservation_exists REFERENCES booking.reservation (id) ON DELETE SET NULL,
    machine_id     text NOT NULL CONSTRAINT offer_machine_exists REFERENCES coop.machine (id),
    during         tstzrange NOT NULL CONSTRAINT offer_not_empty CHECK (NOT isempty(during)),
    offered_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    answer         text CONSTRAINT offer_answer_known CHECK (answer IN ('accepted', 'declined', 'expired')),
    answered_at    timestamptz,
    CONSTRAINT offer_answered_at_some_time CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CONSTRAINT offer_not_twice EXCLUDE USING gist (request_id WITH =, machine_id WITH =, during WITH &&)
);

COMMENT ON COLUMN booking.offer.expires_at IS 'by the clock of the database';

CREATE UNIQUE INDEX offer_one_open_per_request ON booking.offer (request_id) WHERE answer IS NULL;

CREATE UNIQUE INDEX offer_one_open_per_slot ON booking.offer (reservation_id) WHERE answer IS NULL;

CREATE INDEX offer_open ON booking.offer (expires_at) WHERE answer IS NULL;

-- When people may come, and when the time of who does not come is given back.
CREATE TABLE booking.presence_rule (
    machine_id            text PRIMARY KEY CONSTRAINT presence_rule_machine_exists REFERENCES coop.machine (id),
    early_minutes         integer NOT NULL DEFAULT 15 CONSTRAINT presence_early_not_negative CHECK (early_minutes >= 0),
    asks_after_minutes    integer NOT NULL DEFAULT 10 CONSTRAINT presence_asks_after_the_start CHECK (asks_after_minutes >= 0),
    releases_after_minutes integer NOT NULL DEFAULT 20,
    releases              boolean NOT NULL DEFAULT true,
    code_serial           integer NOT NULL DEFAULT 1,
    CONSTRAINT presence_asks_before_it_releases CHECK (releases_after_minutes > asks_after_minutes)
);

COMMENT ON COLUMN booking.presence_rule.code_serial IS 'raised to make the printed QR codes of the machine void';

CREATE FUNCTION booking.enter_presence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.presence_rule (machine_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER machine_enters_presence AFTER INSERT ON coop.machine
    FOR EACH ROW EXECUTE FUNCTION booking.enter_presence();

INSERT INTO booking.presence_rule (machine_id) SELECT id FROM coop.machine;

-- Somebody came, and left, within a reservation.
CREATE TABLE booking.visit (
    reservation_id uuid PRIMARY KEY CONSTRAINT visit_reservation_exists REFERENCES booking.reservation (id),
    machine_id     text NOT NULL CONSTRAINT visit_machine_exists REFERENCES coop.machine (id),
    came_at        timestamptz NOT NULL,
    came_by        text NOT NULL CONSTRAINT visit_came_by_known CHECK (came_by IN ('code', 'badge', 'office', 'running')),
    left_at        timestamptz,
    CONSTRAINT visit_leaves_after_coming CHECK (left_at >= came_at)
);

CREATE INDEX visit_by_machine ON booking.visit (machine_id, came_at);

-- "Are you coming?", asked once; who says yes is not released.
CREATE TABLE booking.no_show_question (
    reservation_id uuid PRIMARY KEY CONSTRAINT question_reservation_exists REFERENCES booking.reservation (id),
    asked_at       timestamptz NOT NULL,
    coming_at      timestamptz
);

-- What telemetry last told of a machine. All null: unknown. Past valid_until it is unknown; null: until further word.
CREATE TABLE booking.signal (
    machine_id    text PRIMARY KEY CONSTRAINT signal_machine_exists REFERENCES coop.machine (id),
    running_since timestamptz,
    idle_since    timestamptz,
    valid_until   timestamptz,
    CONSTRAINT signal_running_or_idle CHECK (running_since IS NULL OR idle_since IS NULL)
);

-- What the fee rules of billing charge: append-only.
CREATE TABLE booking.fee_event (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CONSTRAINT fee_event_kind_known CHECK (kind IN ('no_show', 'late_cancel')),
    reservation_id uuid NOT NULL CONSTRAINT fee_event_reservation_exists REFERENCES booking.reservation (id),
    machine_id     text NOT NULL CONSTRAINT fee_event_machine_exists REFERENCES coop.machine (id),
    member_id      text NOT NULL CONSTRAINT fee_event_member_exists REFERENCES coop.member (id),
    during         tstzrange NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT fee_event_once UNIQUE (reservation_id, kind)
);

COMMENT ON COLUMN booking.fee_event.during IS 'the slot as it was booked';

REVOKE UPDATE, DELETE, TRUNCATE ON booking.fee_event FROM moyai_app;

-- Who was told, once, that the reservation before theirs overruns.
CREATE TABLE booking.overrun_warning (
    reservation_id uuid NOT NULL CONSTRAINT overrun_reservation_exists REFERENCES booking.reservation (id),
    next_id        uuid NOT NULL CONSTRAINT overrun_next_exists REFERENCES booking.reservation (id),
    warned_at      timestamptz NOT NULL,
    PRIMARY KEY (reservation_id, next_id)
);

-- A badge is known by the keyed hash of its number; the number itself is never stored.
CREATE TABLE booking.badge (
    badge_hash bytea PRIMARY KEY,
    person_id  uuid NOT NULL CONSTRAINT badge_person_exists REFERENCES coop.person (id),
    given_at   timestamptz NOT NULL
);

-- A machine whose start is permitted through an input of its own. Never its supply: see the rules of the interlock.
CREATE TABLE booking.interlock (
    machine_id      text PRIMARY KEY CONSTRAINT interlock_machine_exists REFERENCES coop.machine (id),
    form            text NOT NULL DEFAULT 'moyai' CONSTRAINT interlock_form_known CHECK (form IN ('moyai', 'shelly', 'tasmota')),
    target          text NOT NULL DEFAULT '',
    on_network_loss text NOT NULL DEFAULT 'enable' CONSTRAINT interlock_loss_known
                    CHECK (on_network_loss IN ('enable', 'withhold', 'stay')),
    needs_check_in  boolean NOT NULL DEFAULT false,
    CONSTRAINT interlock_foreign_device_has_a_topic CHECK (form = 'moyai' OR target <> '')
);

COMMENT ON COLUMN booking.interlock.target IS 'topic prefix of a Shelly or Tasmota device';
