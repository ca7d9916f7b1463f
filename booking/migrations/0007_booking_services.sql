-- Services: what a reservation claims beside its machine. Pools, outages, commissions, loans, requests that wait.

-- A resource is a machine, a person who instructs or operates, an accessory, a place to soak a part.
ALTER TABLE booking.resource
    ADD COLUMN person_id uuid CONSTRAINT resource_person_exists REFERENCES coop.person (id),
    ADD COLUMN name_ja text NOT NULL DEFAULT '',
    ADD COLUMN name_en text NOT NULL DEFAULT '',
    ADD COLUMN in_service boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT resource_is_person_unique UNIQUE (person_id),
    ADD CONSTRAINT resource_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    ADD CONSTRAINT resource_kind_known CHECK (kind IN ('machine', 'person', 'accessory', 'place')),
    ADD CONSTRAINT resource_has_what_its_kind_says
        CHECK ((kind = 'machine') = (machine_id IS NOT NULL) AND (kind = 'person') = (person_id IS NOT NULL));

COMMENT ON COLUMN booking.resource.name_ja IS 'empty for a machine, which has its name in coop.machine';

-- When a resource other than a machine is there, weekly in local time; no row: always.
CREATE TABLE booking.resource_hours (
    resource_id text NOT NULL CONSTRAINT resource_hours_resource_exists REFERENCES booking.resource (id),
    iso_weekday integer NOT NULL CONSTRAINT resource_hours_weekday CHECK (iso_weekday BETWEEN 1 AND 7),
    opens       time NOT NULL,
    closes      time NOT NULL,
    PRIMARY KEY (resource_id, iso_weekday, opens),
    CONSTRAINT resource_hours_not_empty CHECK (closes > opens),
    CONSTRAINT resource_hours_midnight_is_time_max CHECK (closes < '24:00')
);

-- Units of which any will do.
CREATE TABLE booking.pool (
    id      text PRIMARY KEY CONSTRAINT pool_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name_ja text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE booking.pool_unit (
    pool_id     text NOT NULL CONSTRAINT pool_unit_pool_exists REFERENCES booking.pool (id),
    resource_id text NOT NULL CONSTRAINT pool_unit_resource_exists REFERENCES booking.resource (id),
    PRIMARY KEY (pool_id, resource_id)
);

-- What can be booked on a machine, or with a person alone. Self-use of a machine without a row here asks for nothing more.
CREATE TABLE booking.service (
    resource_id      text NOT NULL CONSTRAINT service_resource_exists REFERENCES booking.resource (id),
    kind             text NOT NULL CONSTRAINT service_kind_known
                     CHECK (kind IN ('self_use', 'attended', 'commissioned', 'loan', 'advice')),
    approval_minutes integer CONSTRAINT service_approval_positive CHECK (approval_minutes > 0),
    PRIMARY KEY (resource_id, kind)
);

COMMENT ON COLUMN booking.service.approval_minutes IS 'a request waits this long for an answer and holds its time; null: nobody is asked';

-- One more claim of a service: a resource or a unit of a pool, for a time told from the slot.
CREATE TABLE booking.service_need (
    resource_id    text NOT NULL,
    kind           text NOT NULL,
    name           text NOT NULL CONSTRAINT service_need_name_is_slug CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    unit_id        text CONSTRAINT service_need_unit_exists REFERENCES booking.resource (id),
    pool_id        text CONSTRAINT service_need_pool_exists REFERENCES booking.pool (id),
    from_edge      text NOT NULL DEFAULT 'start' CONSTRAINT service_need_from_edge_known CHECK (from_edge IN ('start', 'end', 'day')),
    from_minutes   integer NOT NULL DEFAULT 0,
    until_edge     text NOT NULL DEFAULT 'end' CONSTRAINT service_need_until_edge_known CHECK (until_edge IN ('start', 'end', 'day')),
    until_minutes  integer NOT NULL DEFAULT 0,
    optional       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (resource_id, kind, name),
    CONSTRAINT service_need_service_exists FOREIGN KEY (resource_id, kind) REFERENCES booking.service (resource_id, kind) ON DELETE CASCADE,
    CONSTRAINT service_need_unit_or_pool CHECK (num_nonnulls(unit_id, pool_id) = 1),
    CONSTRAINT service_need_is_not_the_machine CHECK (unit_id <> resource_id AND name <> 'machine')
);

COMMENT ON COLUMN booking.service_need.from_edge IS 'minutes count from the start or end of the slot, or in local time from the midnight that begins its day';
COMMENT ON COLUMN booking.service_need.optional IS 'claimed only when it is asked for by name';

ALTER TABLE booking.reservation
    ALTER COLUMN machine_id DROP NOT NULL,
    ADD COLUMN resource_id text CONSTRAINT reservation_resource_exists REFERENCES booking.resource (id),
    ADD COLUMN service text NOT NULL DEFAULT 'self_use' CONSTRAINT reservation_service_known
        CHECK (service IN ('self_use', 'attended', 'commissioned', 'loan', 'advice')),
    ADD COLUMN options text[] NOT NULL DEFAULT '{}',
    ADD COLUMN expected_at timestamptz,
    ADD CONSTRAINT reservation_of_machine_or_resource CHECK (num_nonnulls(machine_id, resource_id) = 1),
    DROP CONSTRAINT reservation_status_known,
    ADD CONSTRAINT reservation_status_known CHECK (status IN
        ('held', 'pending', 'confirmed', 'in_use', 'done', 'released', 'cancelled', 'declined'));

COMMENT ON COLUMN booking.reservation.resource_id IS 'the person who is booked without a machine';
COMMENT ON COLUMN booking.reservation.options IS 'the optional needs that were asked for';
COMMENT ON COLUMN booking.reservation.expected_at IS 'who is late said so: when they will come';

-- A resource that cannot be used. Its claims fill what nobody has; whom it affects the office decides.
CREATE TABLE booking.outage (
    id          uuid PRIMARY KEY,
    resource_id text NOT NULL CONSTRAINT outage_resource_exists REFERENCES booking.resource (id),
    kind        text NOT NULL CONSTRAINT outage_kind_known CHECK (kind IN ('breakdown', 'maintenance', 'calibration', 'absence')),
    during      tstzrange NOT NULL CONSTRAINT outage_is_a_time CHECK (
                    NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)
                    AND lower_inc(during) AND NOT upper_inc(during)),
    reason      text NOT NULL DEFAULT '',
    entered_by  uuid CONSTRAINT outage_person_exists REFERENCES coop.person (id),
    entered_at  timestamptz NOT NULL,
    CONSTRAINT outage_one_at_a_time EXCLUDE USING gist (resource_id WITH =, during WITH &&)
);

ALTER TABLE booking.claim
    ALTER COLUMN reservation_id DROP NOT NULL,
    ADD COLUMN outage_id uuid CONSTRAINT claim_outage_exists REFERENCES booking.outage (id) ON DELETE CASCADE,
    ADD COLUMN need text,
    ADD CONSTRAINT claim_of_reservation_or_outage CHECK (num_nonnulls(reservation_id, outage_id) = 1);

COMMENT ON COLUMN booking.claim.need IS 'which need of the service it meets; null: the machine, or the person who is booked alone';

CREATE INDEX claim_by_outage ON booking.claim (outage_id) WHERE outage_id IS NOT NULL;

-- What an outage does not have yet and nobody else has.
CREATE FUNCTION booking.fill_outage(outage uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO booking.claim (outage_id, resource_id, blocked)
    SELECT o.id, o.resource_id, gap
    FROM booking.outage o,
         unnest(tstzmultirange(o.during) - coalesce(
             (SELECT range_agg(c.blocked) FROM booking.claim c
              WHERE c.resource_id = o.resource_id AND c.blocked && o.during AND c.released_at IS NULL), '{}')) AS gap
    WHERE o.id = outage
$$;

-- Time that a reservation gives back during an outage goes to the outage, whoever gives it back.
CREATE FUNCTION booking.keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.fill_outage(o.id) FROM booking.outage o
    WHERE o.resource_id = OLD.resource_id AND o.during && OLD.blocked;
    RETURN NULL;
END
$$;

CREATE TRIGGER claim_returns_to_outage AFTER DELETE OR UPDATE OF resource_id, blocked, released_at ON booking.claim
    FOR EACH ROW WHEN (OLD.reservation_id IS NOT NULL) EXECUTE FUNCTION booking.keep_closed();

-- The steps of a commissioned measurement, in their order; append-only.
CREATE TABLE booking.commission_step (
    reservation_id uuid NOT NULL CONSTRAINT commission_step_reservation_exists REFERENCES booking.reservation (id) ON DELETE CASCADE,
    step           text NOT NULL CONSTRAINT commission_step_known
                   CHECK (step IN ('received', 'quoted', 'measured', 'delivered', 'returned')),
    at             timestamptz NOT NULL,
    by_id          uuid CONSTRAINT commission_step_person_exists REFERENCES coop.person (id),
    quote_yen      integer CONSTRAINT commission_step_quote_not_negative CHECK (quote_yen >= 0),
    PRIMARY KEY (reservation_id, step),
    CONSTRAINT commission_step_quotes_once CHECK ((step = 'quoted') = (quote_yen IS NOT NULL))
);

REVOKE UPDATE, DELETE, TRUNCATE ON booking.commission_step FROM moyai_app;

-- A portable tester that left the house: due at the end of its reservation.
CREATE TABLE booking.loan (
    reservation_id uuid PRIMARY KEY CONSTRAINT loan_reservation_exists REFERENCES booking.reservation (id) ON DELETE CASCADE,
    out_at         timestamptz NOT NULL,
    returned_at    timestamptz,
    CONSTRAINT loan_returns_after_leaving CHECK (returned_at >= out_at)
);

CREATE INDEX loan_out ON booking.loan (out_at) WHERE returned_at IS NULL;
