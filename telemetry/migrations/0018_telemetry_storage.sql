-- How readings are kept: what they come to by the hour and by the day, and until when they were let go.

-- What changed of a machine since its hours were last reckoned: the marks that derivation has taken, by whole hours.
CREATE TABLE telemetry.rollup_due (
    machine_id text NOT NULL CONSTRAINT rollup_due_machine_exists REFERENCES coop.machine (id),
    from_at    timestamptz NOT NULL,
    until_at   timestamptz NOT NULL,
    PRIMARY KEY (machine_id, from_at, until_at),
    CONSTRAINT rollup_due_not_empty CHECK (until_at > from_at)
);

CREATE FUNCTION telemetry.marks_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO telemetry.rollup_due (machine_id, from_at, until_at)
    SELECT DISTINCT machine_id, date_trunc('hour', from_at, 'UTC'), date_trunc('hour', until_at, 'UTC') + interval '1 hour'
    FROM taken
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER dirty_hands_over_to_rollups AFTER DELETE ON telemetry.dirty
    REFERENCING OLD TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION telemetry.marks_taken();

-- One hour (of the cooperative's clock) of one channel while it spoke for a machine; made of that hour's readings alone.
CREATE TABLE telemetry.rollup_hour (
    machine_id   text NOT NULL CONSTRAINT rollup_hour_machine_exists REFERENCES coop.machine (id),
    channel_id   integer NOT NULL CONSTRAINT rollup_hour_channel_exists REFERENCES telemetry.channel (id),
    at           timestamptz NOT NULL,
    readings     integer NOT NULL CONSTRAINT rollup_hour_has_readings CHECK (readings > 0),
    numbers      integer NOT NULL,
    lowest       double precision,
    highest      double precision,
    total        double precision,
    held_seconds double precision NOT NULL,
    held_total   double precision,
    rise         double precision NOT NULL,
    first_value  double precision,
    last_value   double precision,
    last_text    text,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (machine_id, channel_id, at)
);

COMMENT ON COLUMN telemetry.rollup_hour.total IS 'sum of the numbers; divided by numbers: their plain average';
COMMENT ON COLUMN telemetry.rollup_hour.held_total IS 'each number times the seconds it held; divided by held_seconds: the average over time';
COMMENT ON COLUMN telemetry.rollup_hour.rise IS 'what a counter gained within the hour; after a restart it counts from zero';

-- The same hours with what a counter gained since the hour before, and as averages.
CREATE VIEW telemetry.hourly AS
SELECT machine_id, channel_id, at, readings, numbers, lowest, highest, total / nullif(numbers, 0) AS average,
       held_total / nullif(held_seconds, 0) AS average_over_time, held_seconds, last_value, last_text, last_at,
       rise + coalesce(CASE WHEN first_value < before THEN first_value ELSE first_value - before END, 0) AS growth
FROM (SELECT *, lag(last_value) OVER (PARTITION BY machine_id, channel_id ORDER BY at) AS before
      FROM telemetry.rollup_hour) AS hours;

-- Days of the cooperative's calendar: sums of their hours.
CREATE VIEW telemetry.daily AS
SELECT h.machine_id, h.channel_id, date_trunc('day', h.at, c.time_zone) AS at, sum(h.readings) AS readings,
       sum(h.numbers) AS numbers, min(h.lowest) AS lowest, max(h.highest) AS highest,
       sum(h.average * h.numbers) / nullif(sum(h.numbers), 0) AS average,
       sum(h.average_over_time * h.held_seconds) / nullif(sum(h.held_seconds), 0) AS average_over_time,
       sum(h.held_seconds) AS held_seconds, (array_agg(h.last_value ORDER BY h.last_at DESC))[1] AS last_value,
       (array_agg(h.last_text ORDER BY h.last_at DESC))[1] AS last_text, max(h.last_at) AS last_at, sum(h.growth) AS growth
FROM telemetry.hourly h CROSS JOIN coop.cooperative c
GROUP BY h.machine_id, h.channel_id, date_trunc('day', h.at, c.time_zone);

-- Until when readings were let go, or are about to be: one row for each time. They are not read any more.
CREATE TABLE telemetry.forgotten (until_at timestamptz PRIMARY KEY);

REVOKE UPDATE, DELETE, TRUNCATE ON telemetry.forgotten FROM moyai_app;
