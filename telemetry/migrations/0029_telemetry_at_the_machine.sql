-- At the machine: what it looks like, and what people who stand before it report.

-- The one picture of a machine, always of our own making: what was uploaded is decoded and encoded anew, so that it has
-- a bounded size and says nothing of the camera or of where it was taken.
CREATE TABLE coop.machine_picture (
    machine_id text PRIMARY KEY CONSTRAINT picture_machine_exists REFERENCES coop.machine (id),
    webp       bytea NOT NULL CONSTRAINT picture_is_small CHECK (length(webp) BETWEEN 1 AND 1000000),
    digest     text NOT NULL,
    width_px   integer NOT NULL CONSTRAINT picture_width_positive CHECK (width_px > 0),
    height_px  integer NOT NULL CONSTRAINT picture_height_positive CHECK (height_px > 0),
    set_at     timestamptz NOT NULL
);

-- A person may be the one who finds something.
ALTER TABLE telemetry.finding
    ADD COLUMN reported_by uuid CONSTRAINT finding_reported_by_exists REFERENCES coop.person (id),
    DROP CONSTRAINT finding_kind_known,
    ADD CONSTRAINT finding_kind_known CHECK (kind IN ('decision_outdated', 'nobody', 'two', 'sensor_disagrees', 'no_signal',
        'ran_without_signal', 'closed_month_changed', 'reported')),
    ADD CONSTRAINT finding_reported_by_somebody CHECK ((kind = 'reported') = (reported_by IS NOT NULL));
