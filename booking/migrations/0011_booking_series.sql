-- Series: reservations that were made by one recurrence rule. Imports: what a file's own key became here.

-- The rule as it was given. Its occurrences are reservations of their own, and may have moved since.
CREATE TABLE booking.series (
    id         uuid PRIMARY KEY,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    time_zone  text NOT NULL,
    rule       text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT series_first_not_empty CHECK (ends_at > starts_at)
);

COMMENT ON COLUMN booking.series.rule IS 'RFC 5545 RECUR, read in time_zone from starts_at (DTSTART) on';

-- A reservation's place in its series.
CREATE TABLE booking.occurrence (
    reservation_id uuid PRIMARY KEY
                   CONSTRAINT occurrence_reservation_exists REFERENCES booking.reservation (id) ON DELETE CASCADE,
    series_id      uuid NOT NULL CONSTRAINT occurrence_series_exists REFERENCES booking.series (id),
    recurrence_id  timestamptz NOT NULL,
    CONSTRAINT occurrence_is_once_in_its_series UNIQUE (series_id, recurrence_id)
);

COMMENT ON COLUMN booking.occurrence.recurrence_id IS 'the start that the rule gave it (RECURRENCE-ID): a move keeps it';

-- Which reservation an imported row or calendar entry became, so that importing it again changes nothing.
CREATE TABLE booking.imported (
    key            text PRIMARY KEY,
    reservation_id uuid NOT NULL
                   CONSTRAINT imported_reservation_exists REFERENCES booking.reservation (id) ON DELETE CASCADE
);

CREATE INDEX imported_by_reservation ON booking.imported (reservation_id);

COMMENT ON COLUMN booking.imported.key IS 'the name that the row has in the file it came from';
