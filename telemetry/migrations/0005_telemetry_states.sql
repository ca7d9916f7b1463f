-- What the readings mean: state intervals, the usage made of them, and what people decided about it.

-- How a machine's state is read from one channel, by version. power: running at or above on_watts for on_seconds, idle
-- at or below off_watts for off_seconds, unknown after gap_seconds without a reading. execution: the machine says so
-- itself and its word holds until the next. Running stretches less than bridge_seconds apart are one occupied stretch.
CREATE TABLE telemetry.state_rule (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id     text NOT NULL CONSTRAINT state_rule_machine_exists REFERENCES coop.machine (id),
    valid          tstzrange NOT NULL DEFAULT '[2000-01-01 00:00Z,)'
        CONSTRAINT state_rule_valid_not_empty CHECK (NOT isempty(valid)),
    kind           text NOT NULL CONSTRAINT state_rule_kind_known CHECK (kind IN ('power', 'execution')),
    channel        text NOT NULL,
    on_watts       double precision,
    off_watts      double precision,
    on_seconds     integer NOT NULL DEFAULT 0 CONSTRAINT state_rule_on_not_negative CHECK (on_seconds >= 0),
    off_seconds    integer NOT NULL DEFAULT 0 CONSTRAINT state_rule_off_not_negative CHECK (off_seconds >= 0),
    gap_seconds    integer CONSTRAINT state_rule_gap_positive CHECK (gap_seconds > 0),
    bridge_seconds integer NOT NULL DEFAULT 900 CONSTRAINT state_rule_bridge_not_negative CHECK (bridge_seconds >= 0),
    CONSTRAINT state_rule_one_at_a_time EXCLUDE USING gist (machine_id WITH =, valid WITH &&),
    CONSTRAINT state_rule_power_is_complete CHECK (kind <> 'power' OR (
        on_watts IS NOT NULL AND off_watts IS NOT NULL AND off_watts < on_watts AND gap_seconds IS NOT NULL))
);

-- What a machine was seen doing, without a hole from its first reading to its last evidence. native: its own word.
CREATE TABLE telemetry.state_interval (
    machine_id text NOT NULL CONSTRAINT state_interval_machine_exists REFERENCES coop.machine (id),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    state      text NOT NULL CONSTRAINT state_interval_state_known CHECK (state IN ('running', 'idle', 'unknown')),
    native     text,
    PRIMARY KEY (machine_id, started_at),
    CONSTRAINT state_interval_not_empty CHECK (ended_at > started_at),
    CONSTRAINT state_interval_no_overlap EXCLUDE USING gist (machine_id WITH =, tstzrange(started_at, ended_at) WITH &&)
);

-- Where derivation can begin anew: what it knew before the readings of the hour that begins at `at` (UTC).
CREATE TABLE telemetry.checkpoint (
    machine_id text NOT NULL CONSTRAINT checkpoint_machine_exists REFERENCES coop.machine (id),
    at         timestamptz NOT NULL,
    carry      jsonb NOT NULL,
    PRIMARY KEY (machine_id, at),
    CONSTRAINT checkpoint_on_the_hour CHECK (date_trunc('hour', at, 'UTC') = at)
);

-- What derivation knows after the last reading of a machine: the state now is computed from it when somebody asks.
CREATE TABLE telemetry.frontier (
    machine_id text PRIMARY KEY CONSTRAINT frontier_machine_exists REFERENCES coop.machine (id),
    last_at    timestamptz NOT NULL,
    carry      jsonb NOT NULL
);

-- What a person decided about a stretch, on the evidence of that moment. Never changed: a later decision prevails.
CREATE TABLE telemetry.decision (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id     text NOT NULL CONSTRAINT decision_machine_exists REFERENCES coop.machine (id),
    during         tstzrange NOT NULL CONSTRAINT decision_not_empty CHECK (NOT isempty(during)),
    evidence_hash  bytea NOT NULL,
    resolution     text NOT NULL CONSTRAINT decision_resolution_known CHECK (resolution IN ('assign', 'waive')),
    member_id      text CONSTRAINT decision_member_exists REFERENCES coop.member (id),
    reservation_id uuid CONSTRAINT decision_reservation_exists REFERENCES booking.reservation (id),
    person_id      uuid CONSTRAINT decision_person_exists REFERENCES coop.person (id),
    reason         text NOT NULL DEFAULT '',
    decided_by     uuid CONSTRAINT decision_decided_by_exists REFERENCES coop.person (id),
    decided_at     timestamptz NOT NULL,
    CONSTRAINT decision_assigns_a_member CHECK ((resolution = 'assign') = (member_id IS NOT NULL)),
    CONSTRAINT decision_waives_with_a_reason CHECK (resolution <> 'waive' OR reason <> '')
);

CREATE INDEX decision_by_stretch ON telemetry.decision USING gist (machine_id, during);

REVOKE UPDATE, DELETE, TRUNCATE ON telemetry.decision FROM moyai_app;

-- One occupied stretch, cut at reservation edges and at the ends of local months; the id is made of machine and start.
-- Derivation replaces rows whose evidence changed: point to a usage by id, not by foreign key.
CREATE TABLE telemetry.usage (
    id              uuid PRIMARY KEY,
    machine_id      text NOT NULL CONSTRAINT usage_machine_exists REFERENCES coop.machine (id),
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz NOT NULL,
    running_seconds integer NOT NULL CONSTRAINT usage_running_not_negative CHECK (running_seconds >= 0),
    kind            text NOT NULL CONSTRAINT usage_kind_known
        CHECK (kind IN ('in_reservation', 'early', 'overrun', 'unassigned', 'assigned', 'waived')),
    reservation_id  uuid CONSTRAINT usage_reservation_exists REFERENCES booking.reservation (id),
    member_id       text CONSTRAINT usage_member_exists REFERENCES coop.member (id),
    person_id       uuid CONSTRAINT usage_person_exists REFERENCES coop.person (id),
    evidence_hash   bytea NOT NULL,
    decision_id     bigint CONSTRAINT usage_decision_exists REFERENCES telemetry.decision (id),
    CONSTRAINT usage_not_empty CHECK (ended_at > started_at),
    CONSTRAINT usage_no_overlap EXCLUDE USING gist (machine_id WITH =, tstzrange(started_at, ended_at) WITH &&),
    CONSTRAINT usage_belongs_to_somebody CHECK ((kind IN ('unassigned', 'waived')) = (member_id IS NULL)),
    CONSTRAINT usage_decided_by_a_decision CHECK ((kind IN ('assigned', 'waived')) = (decision_id IS NOT NULL))
);

CREATE INDEX usage_by_member ON telemetry.usage (member_id, started_at);

-- What derivation cannot settle and a person must look at.
CREATE TABLE telemetry.finding (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id  text NOT NULL CONSTRAINT finding_machine_exists REFERENCES coop.machine (id),
    kind        text NOT NULL CONSTRAINT finding_kind_known CHECK (kind IN ('decision_outdated')),
    decision_id bigint NOT NULL CONSTRAINT finding_decision_exists REFERENCES telemetry.decision (id),
    opened_at   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz
);

CREATE UNIQUE INDEX finding_open_once ON telemetry.finding (kind, decision_id) WHERE closed_at IS NULL;

-- Marks: a change of what derivation reads makes the stretch dirty in the transaction of the change.

-- The stretches that belong to only one of two ranges. A null range is none.
CREATE FUNCTION telemetry.mark_difference(machine text, was tstzrange, becomes tstzrange) RETURNS void LANGUAGE sql AS $$
    INSERT INTO telemetry.dirty (machine_id, from_at, until_at)
    SELECT machine, coalesce(lower(stretch), '1970-01-01 00:00Z'), coalesce(upper(stretch), '9000-01-01 00:00Z')
    FROM (SELECT coalesce(tstzmultirange(was), '{}') AS a, coalesce(tstzmultirange(becomes), '{}') AS b) AS ranges,
         unnest((a - b) + (b - a)) AS stretch
    WHERE machine IS NOT NULL
$$;

CREATE FUNCTION telemetry.rule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - 'valid' = to_jsonb(NEW) - 'valid' THEN
        PERFORM telemetry.mark_difference(NEW.machine_id, OLD.valid, NEW.valid);
    ELSE
        PERFORM telemetry.mark_difference(OLD.machine_id, OLD.valid, NULL);
        PERFORM telemetry.mark_difference(NEW.machine_id, NULL, NEW.valid);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER state_rule_marks_dirty AFTER INSERT OR UPDATE OR DELETE ON telemetry.state_rule
    FOR EACH ROW EXECUTE FUNCTION telemetry.rule_changed();

CREATE FUNCTION telemetry.binding_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.device_id, OLD.machine_id) = (NEW.device_id, NEW.machine_id) THEN
        PERFORM telemetry.mark_difference(NEW.machine_id, OLD.bound, NEW.bound);
    ELSE
        PERFORM telemetry.mark_difference(OLD.machine_id, OLD.bound, NULL);
        PERFORM telemetry.mark_difference(NEW.machine_id, NULL, NEW.bound);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER binding_marks_dirty AFTER INSERT OR UPDATE OR DELETE ON telemetry.binding
    FOR EACH ROW EXECUTE FUNCTION telemetry.binding_changed();

-- A correction moves readings: where they were and where they come to lie are dirty, on each machine of the device.
CREATE FUNCTION telemetry.mark_corrected(device text, during tstzrange, offset_seconds integer) RETURNS void LANGUAGE sql AS $$
    SELECT telemetry.mark_difference(machine_id, NULL, moved)
    FROM telemetry.binding,
         tstzrange(lower(during) - make_interval(secs => abs(offset_seconds)),
                   upper(during) + make_interval(secs => abs(offset_seconds))) AS moved
    WHERE device_id = device AND bound && moved
$$;

CREATE FUNCTION telemetry.correction_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM telemetry.mark_corrected(OLD.device_id, OLD.during, OLD.offset_seconds);
    PERFORM telemetry.mark_corrected(NEW.device_id, NEW.during, NEW.offset_seconds);
    RETURN NULL;
END
$$;

CREATE TRIGGER clock_correction_marks_dirty AFTER INSERT OR UPDATE OR DELETE ON telemetry.clock_correction
    FOR EACH ROW EXECUTE FUNCTION telemetry.correction_changed();

CREATE FUNCTION telemetry.reservation_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM telemetry.mark_difference(OLD.machine_id, tstzrange(OLD.starts_at, OLD.ends_at), NULL);
    PERFORM telemetry.mark_difference(NEW.machine_id, NULL, tstzrange(NEW.starts_at, NEW.ends_at));
    RETURN NULL;
END
$$;

CREATE TRIGGER reservation_marks_dirty
    AFTER INSERT OR DELETE OR UPDATE OF machine_id, member_id, person_id, starts_at, ends_at, status ON booking.reservation
    FOR EACH ROW EXECUTE FUNCTION telemetry.reservation_changed();

CREATE FUNCTION telemetry.decision_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM telemetry.mark_difference(NEW.machine_id, NULL, NEW.during);
    RETURN NULL;
END
$$;

CREATE TRIGGER decision_marks_dirty AFTER INSERT ON telemetry.decision
    FOR EACH ROW EXECUTE FUNCTION telemetry.decision_taken();
