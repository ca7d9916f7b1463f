-- Delivery: whose a message was that could not be taken, how many there were, and readings that waited at the broker.

ALTER TABLE telemetry.reject
    ADD COLUMN device_id text CONSTRAINT reject_device_exists REFERENCES telemetry.device (id),
    ADD COLUMN queued boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN telemetry.reject.device_id IS 'the device under whose topic it came; null: nobody''s that is known';
COMMENT ON COLUMN telemetry.reject.queued IS 'it may have waited at the broker: its time of receipt is not when it was said';

CREATE INDEX reject_by_device ON telemetry.reject (device_id, id);

-- How many messages of a device (null: of nobody that is known) were rejected on a day of UTC, and how many of them are
-- kept: one that floods cannot fill the disk. The count stays when the kept ones are replayed or grow old.
CREATE TABLE telemetry.reject_day (
    device_id  text CONSTRAINT reject_day_device_exists REFERENCES telemetry.device (id),
    day        date NOT NULL,
    rejected   bigint NOT NULL CONSTRAINT reject_day_counts_something CHECK (rejected > 0),
    kept       integer NOT NULL CONSTRAINT reject_day_keeps_what_it_counts CHECK (kept BETWEEN 0 AND rejected),
    kept_bytes bigint NOT NULL,
    last_at    timestamptz NOT NULL,
    CONSTRAINT reject_day_is_unique UNIQUE NULLS NOT DISTINCT (device_id, day)
);

REVOKE DELETE, TRUNCATE ON telemetry.reject_day FROM moyai_app;

-- A reading without a time of its own that may have waited at the broker: `at`, when it came, is not when it was said.
ALTER TABLE telemetry.reading ADD COLUMN queued boolean;

COMMENT ON COLUMN telemetry.reading.queued IS
    'true: said at an unknown time before at. Its level says nothing of at; a cumulative counter had its value by then';
