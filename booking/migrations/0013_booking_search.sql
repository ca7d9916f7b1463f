-- Search: what was looked for and not found, so that the office sees which machines and hours are missing.

CREATE TABLE booking.unmet_demand (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    searched_at    timestamptz NOT NULL,
    by_member      boolean NOT NULL,
    machine_kind   text,
    site           text,
    needs          jsonb NOT NULL,
    wanted         tstzrange NOT NULL CONSTRAINT unmet_demand_some_time CHECK (NOT isempty(wanted)),
    length_minutes integer NOT NULL CONSTRAINT unmet_demand_length_positive CHECK (length_minutes > 0),
    service        text NOT NULL,
    candidates     integer NOT NULL CONSTRAINT unmet_demand_candidates_not_negative CHECK (candidates >= 0)
);

COMMENT ON TABLE booking.unmet_demand IS 'no person, no member and no purpose: only what was needed and when';

COMMENT ON COLUMN booking.unmet_demand.by_member IS 'false: somebody who is no member, or the office';

COMMENT ON COLUMN booking.unmet_demand.candidates IS 'machines that could have done it and had no time; 0: there is no such machine';

CREATE INDEX unmet_demand_by_time ON booking.unmet_demand (searched_at);
