-- The rules of booking, each valid from a date: what a machine asks, when it is closed, who may book how much.

ALTER TABLE booking.policy DROP CONSTRAINT policy_pkey;

ALTER TABLE booking.policy
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN valid daterange NOT NULL DEFAULT '[2000-01-01,)' CONSTRAINT policy_valid_some_day CHECK (NOT isempty(valid)),
    ADD COLUMN notice_minutes integer NOT NULL DEFAULT 0 CONSTRAINT policy_notice_not_negative CHECK (notice_minutes >= 0),
    ADD COLUMN cancel_minutes integer NOT NULL DEFAULT 0 CONSTRAINT policy_cancel_not_negative CHECK (cancel_minutes >= 0),
    ADD COLUMN priority_horizon_days integer CONSTRAINT policy_priority_horizon_positive CHECK (priority_horizon_days > 0),
    ADD COLUMN nonmembers_allowed boolean NOT NULL DEFAULT true,
    ADD COLUMN nonmember_horizon_days integer
        CONSTRAINT policy_nonmember_horizon_positive CHECK (nonmember_horizon_days > 0),
    ADD COLUMN required_level integer NOT NULL DEFAULT 0
        CONSTRAINT policy_required_level_known CHECK (required_level BETWEEN 0 AND 9),
    ADD COLUMN supervised_level integer CONSTRAINT policy_supervised_level_known CHECK (supervised_level BETWEEN 0 AND 9),
    ADD COLUMN calibration_required boolean NOT NULL DEFAULT false,
    ADD COLUMN daily_check_required boolean NOT NULL DEFAULT false,
    ADD COLUMN coldest_celsius numeric,
    ADD COLUMN warmest_celsius numeric,
    ADD COLUMN temperature_denies boolean NOT NULL DEFAULT false,
    ADD COLUMN soak_minutes integer NOT NULL DEFAULT 0 CONSTRAINT policy_soak_not_negative CHECK (soak_minutes >= 0),
    ADD COLUMN soak_denies boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT policy_temperatures_in_order CHECK (warmest_celsius > coldest_celsius),
    ADD CONSTRAINT policy_supervised_below_required CHECK (supervised_level < required_level),
    ADD CONSTRAINT policy_one_at_a_time EXCLUDE USING gist (machine_id WITH =, valid WITH &&);

COMMENT ON COLUMN booking.policy.valid IS 'the local days on which this version decides; what was booked before stays';
COMMENT ON COLUMN booking.policy.cancel_minutes IS 'until how long before the start a reservation may be cancelled';
COMMENT ON COLUMN booking.policy.priority_horizon_days IS 'the horizon of owners and committed members; null: as everybody';
COMMENT ON COLUMN booking.policy.required_level IS 'of the qualification for machines of this kind; 0: none is asked';
COMMENT ON COLUMN booking.policy.supervised_level IS 'from this level on one may book with an instructor; null: never';
COMMENT ON COLUMN booking.policy.soak_minutes IS 'how long a part lies in the room before it is measured';

-- On public holidays of a country a machine is closed, on days in `valid`.
CREATE TABLE booking.holiday_closing (
    machine_id text NOT NULL CONSTRAINT holiday_closing_machine_exists REFERENCES coop.machine (id),
    country    text NOT NULL DEFAULT 'JP' CONSTRAINT holiday_closing_country_form CHECK (country ~ '^[A-Z]{2}$'),
    valid      daterange NOT NULL CONSTRAINT holiday_closing_some_day CHECK (NOT isempty(valid)),
    CONSTRAINT holiday_closing_one_at_a_time EXCLUDE USING gist (machine_id WITH =, valid WITH &&)
);

-- A machine, all machines of a site, or all there are: closed or, against hours and holidays, open for a time.
CREATE TABLE booking.calendar_exception (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    machine_id text CONSTRAINT calendar_exception_machine_exists REFERENCES coop.machine (id),
    site       text,
    during     tstzrange NOT NULL CONSTRAINT calendar_exception_is_a_time CHECK (
                   NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)
                   AND lower_inc(during) AND NOT upper_inc(during)),
    opens      boolean NOT NULL,
    reason     text NOT NULL DEFAULT '',
    CONSTRAINT calendar_exception_for_machine_or_site CHECK (machine_id IS NULL OR site IS NULL)
);

CREATE INDEX calendar_exception_by_end ON booking.calendar_exception (upper(during));

-- How much a member or a person may have at once (a number of reservations) or book in a week or month (minutes).
CREATE TABLE booking.quota (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id text CONSTRAINT quota_machine_exists REFERENCES coop.machine (id),
    holder     text NOT NULL CONSTRAINT quota_holder_known CHECK (holder IN ('member', 'person')),
    span       text NOT NULL CONSTRAINT quota_span_known CHECK (span IN ('at_once', 'week', 'month')),
    most       integer NOT NULL CONSTRAINT quota_most_not_negative CHECK (most >= 0),
    valid      daterange NOT NULL CONSTRAINT quota_some_day CHECK (NOT isempty(valid)),
    CONSTRAINT quota_one_at_a_time
        EXCLUDE USING gist ((coalesce(machine_id, '')) WITH =, holder WITH =, span WITH =, valid WITH &&)
);

COMMENT ON COLUMN booking.quota.machine_id IS 'null: all machines together';
COMMENT ON COLUMN booking.quota.most IS 'at_once: reservations that are not over; week, month: minutes, by the start';

-- Members who come first on a machine: its owner, or those who committed themselves to use it.
CREATE TABLE booking.priority (
    machine_id text NOT NULL CONSTRAINT priority_machine_exists REFERENCES coop.machine (id),
    member_id  text NOT NULL CONSTRAINT priority_member_exists REFERENCES coop.member (id),
    reason     text NOT NULL CONSTRAINT priority_reason_known CHECK (reason IN ('owner', 'committed')),
    valid      daterange NOT NULL CONSTRAINT priority_some_day CHECK (NOT isempty(valid)),
    CONSTRAINT priority_one_at_a_time EXCLUDE USING gist (machine_id WITH =, member_id WITH =, valid WITH &&)
);

-- Non-members' share of members' use in the fiscal year (員外利用), as billing tells it: at most one row.
CREATE TABLE booking.nonmember_use (
    only_one     boolean PRIMARY KEY DEFAULT true CONSTRAINT nonmember_use_is_one CHECK (only_one),
    percent      numeric NOT NULL CONSTRAINT nonmember_use_not_negative CHECK (percent >= 0),
    warn_percent numeric NOT NULL DEFAULT 16,
    deny_percent numeric NOT NULL DEFAULT 20,
    told_at      timestamptz NOT NULL,
    CONSTRAINT nonmember_use_warns_first CHECK (warn_percent <= deny_percent)
);

-- Who may use machines of a kind, and at which level: 1 with an instructor, 2 alone, 3 and above may instruct.
CREATE TABLE booking.qualification (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id    uuid NOT NULL CONSTRAINT qualification_person_exists REFERENCES coop.person (id),
    machine_kind text NOT NULL,
    level        integer NOT NULL CONSTRAINT qualification_level_known CHECK (level BETWEEN 1 AND 9),
    valid        tstzrange NOT NULL CONSTRAINT qualification_some_time CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    granted_by   uuid CONSTRAINT qualification_granter_exists REFERENCES coop.person (id),
    CONSTRAINT qualification_one_at_a_time EXCLUDE USING gist (person_id WITH =, machine_kind WITH =, valid WITH &&)
);

-- After how many days without use a qualification for a kind of machine lapses.
CREATE TABLE booking.qualification_rule (
    machine_kind     text PRIMARY KEY,
    lapse_after_days integer NOT NULL CONSTRAINT qualification_rule_positive CHECK (lapse_after_days > 0)
);

CREATE TABLE booking.training (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    machine_kind  text NOT NULL,
    level         integer NOT NULL CONSTRAINT training_level_known CHECK (level BETWEEN 1 AND 9),
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    seats         integer NOT NULL CONSTRAINT training_seats_positive CHECK (seats > 0),
    instructor_id uuid NOT NULL CONSTRAINT training_instructor_exists REFERENCES coop.person (id),
    place         text NOT NULL DEFAULT '',
    CONSTRAINT training_not_empty CHECK (ends_at > starts_at)
);

CREATE INDEX training_by_end ON booking.training (ends_at);

-- A seat has a number, so that the key itself keeps two people from one seat.
CREATE TABLE booking.training_seat (
    training_id uuid NOT NULL CONSTRAINT training_seat_training_exists REFERENCES booking.training (id),
    seat        integer NOT NULL CONSTRAINT training_seat_positive CHECK (seat > 0),
    person_id   uuid NOT NULL CONSTRAINT training_seat_person_exists REFERENCES coop.person (id),
    taken_at    timestamptz NOT NULL,
    passed      boolean,
    PRIMARY KEY (training_id, seat),
    CONSTRAINT training_seat_once UNIQUE (training_id, person_id)
);

COMMENT ON COLUMN booking.training_seat.passed IS 'null: not judged yet; true: the qualification was granted';

-- What a reservation needs beside the machine: an instructor for who may not be alone, and a part that soaks in time.
CREATE TABLE booking.preparation (
    reservation_id uuid PRIMARY KEY CONSTRAINT preparation_reservation_exists
                   REFERENCES booking.reservation (id) ON DELETE CASCADE,
    instructor_id  uuid CONSTRAINT preparation_instructor_exists REFERENCES coop.person (id),
    soaks_from     timestamptz,
    CONSTRAINT preparation_of_something CHECK (num_nonnulls(instructor_id, soaks_from) > 0)
);

CREATE INDEX preparation_by_instructor ON booking.preparation (instructor_id) WHERE instructor_id IS NOT NULL;

-- The qualification of a person for a kind of machine that began last before `at`, and when they used one last before.
CREATE FUNCTION booking.qualified(person uuid, kind text, at timestamptz)
    RETURNS TABLE (level integer, valid_until timestamptz, last_used_at timestamptz, lapse_after_days integer)
    LANGUAGE sql STABLE AS $$
    SELECT q.level, upper(q.valid), CASE WHEN l.lapse_after_days IS NOT NULL THEN greatest(lower(q.valid), (
               SELECT max(r.ends_at) FROM booking.reservation r JOIN coop.machine m ON m.id = r.machine_id
               WHERE r.person_id = person AND m.kind = q.machine_kind AND r.ends_at <= at
                 AND r.status IN ('confirmed', 'in_use', 'done'))) END,
           l.lapse_after_days
    FROM booking.qualification q
    LEFT JOIN booking.qualification_rule l ON l.machine_kind = q.machine_kind
    WHERE q.person_id = person AND q.machine_kind = kind AND lower(q.valid) <= at
    ORDER BY lower(q.valid) DESC LIMIT 1
$$;
