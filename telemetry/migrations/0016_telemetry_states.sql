-- States from several channels, energy and parts of a usage, and what a person must look at.

-- contact: 1 or 'on' runs. execution, words: the machine's own words, by a table. first: the first of several simple
-- rules that says something wins, `otherwise` is what it is when all leave it to the next. standby_watts: at or below
-- it is off. otherwise (of a simple rule): what it is when it does not run; 'pass' leaves it to the next condition.
ALTER TABLE telemetry.state_rule
    ADD COLUMN standby_watts double precision,
    ADD COLUMN words jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN otherwise text NOT NULL DEFAULT 'idle',
    ADD COLUMN conditions jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT state_rule_kind_known,
    ADD CONSTRAINT state_rule_kind_known CHECK (kind IN ('power', 'contact', 'execution', 'words', 'first')),
    ADD CONSTRAINT state_rule_otherwise_known CHECK (otherwise IN ('running', 'idle', 'off', 'fault', 'unknown', 'pass')),
    ADD CONSTRAINT state_rule_standby_below_off CHECK (standby_watts < off_watts),
    ADD CONSTRAINT state_rule_words_is_a_table CHECK (jsonb_typeof(words) = 'object'),
    ADD CONSTRAINT state_rule_first_has_conditions CHECK (
        jsonb_typeof(conditions) = 'array' AND (kind = 'first') = (conditions <> '[]'));

ALTER TABLE telemetry.state_interval
    DROP CONSTRAINT state_interval_state_known,
    ADD CONSTRAINT state_interval_state_known CHECK (state IN ('running', 'idle', 'off', 'fault', 'unknown'));

-- What is carried is one list a signal; there was one signal.
UPDATE telemetry.checkpoint SET carry = jsonb_build_array(carry);

UPDATE telemetry.frontier SET carry = jsonb_build_array(carry);

-- Diagnostics of a usage: no part of its evidence, and nothing is charged by them.
ALTER TABLE telemetry.usage
    ADD COLUMN energy_kwh numeric CONSTRAINT usage_energy_not_negative CHECK (energy_kwh >= 0),
    ADD COLUMN parts integer CONSTRAINT usage_parts_not_negative CHECK (parts >= 0);

-- From check-in to check-out a machine is occupied: both make the stretch dirty.
CREATE FUNCTION telemetry.visit_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM telemetry.mark_difference(OLD.machine_id, tstzrange(OLD.came_at, OLD.left_at, '[]'), NULL)
        WHERE OLD.left_at IS NOT NULL;
    PERFORM telemetry.mark_difference(NEW.machine_id, NULL, tstzrange(NEW.came_at, NEW.left_at, '[]'))
        WHERE NEW.left_at IS NOT NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER visit_marks_dirty AFTER INSERT OR UPDATE OR DELETE ON booking.visit
    FOR EACH ROW EXECUTE FUNCTION telemetry.visit_changed();

-- How far billing closed its periods: usage before is in a closed period, and a change of it becomes an adjustment.
CREATE TABLE telemetry.closed (
    single  boolean PRIMARY KEY DEFAULT true CONSTRAINT closed_is_single CHECK (single),
    until   timestamptz NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
);

-- What a person must look at: raised and closed by derivation and by a sweep, once while it lasts.
DROP INDEX telemetry.finding_open_once;

ALTER TABLE telemetry.finding
    ALTER COLUMN decision_id DROP NOT NULL,
    ADD COLUMN during tstzrange,
    ADD COLUMN usage_id uuid,
    ADD COLUMN reservation_id uuid CONSTRAINT finding_reservation_exists REFERENCES booking.reservation (id),
    ADD COLUMN detail jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN settled_by uuid CONSTRAINT finding_settled_by_exists REFERENCES coop.person (id),
    DROP CONSTRAINT finding_kind_known,
    ADD CONSTRAINT finding_kind_known CHECK (kind IN ('decision_outdated', 'nobody', 'two', 'sensor_disagrees', 'no_signal',
        'ran_without_signal', 'closed_month_changed')),
    ADD CONSTRAINT finding_decision_is_named CHECK ((kind = 'decision_outdated') = (decision_id IS NOT NULL)),
    ADD CONSTRAINT finding_not_empty CHECK (NOT isempty(during));

COMMENT ON COLUMN telemetry.finding.settled_by IS 'who said that it is well so: it is not raised again; null: it went by itself';

COMMENT ON COLUMN telemetry.finding.usage_id IS 'no foreign key: derivation replaces usages';

-- A usage's id contains its start, so its finding stays while it grows.
CREATE UNIQUE INDEX finding_open_once ON telemetry.finding
    (machine_id, kind, usage_id, reservation_id, decision_id, lower(during)) NULLS NOT DISTINCT WHERE closed_at IS NULL;
