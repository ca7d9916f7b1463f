-- Tariffs say more: per service, time of day, idle and overrun, set-up, minimum, operator, absence. Consumables by count.

-- Who advises is a resource as machines are, with a tariff of their own.
ALTER TABLE billing.tariff
    ADD COLUMN service text CONSTRAINT tariff_service_known
        CHECK (service IN ('self_use', 'attended', 'commissioned', 'loan', 'advice')),
    ADD COLUMN cap_yen_per_hour integer,
    ADD COLUMN minimum_seconds integer NOT NULL DEFAULT 0
        CONSTRAINT tariff_minimum_not_negative CHECK (minimum_seconds >= 0),
    ADD COLUMN setup_yen integer NOT NULL DEFAULT 0 CONSTRAINT tariff_setup_not_negative CHECK (setup_yen >= 0),
    ADD COLUMN idle_yen_per_hour integer CONSTRAINT tariff_idle_not_negative CHECK (idle_yen_per_hour >= 0),
    ADD COLUMN overrun_yen_per_hour integer CONSTRAINT tariff_overrun_not_negative CHECK (overrun_yen_per_hour >= 0),
    ADD COLUMN nonmember_yen_per_hour integer
        CONSTRAINT tariff_nonmember_not_negative CHECK (nonmember_yen_per_hour >= 0),
    ADD COLUMN operator_yen_per_hour integer
        CONSTRAINT tariff_operator_not_negative CHECK (operator_yen_per_hour >= 0),
    ADD COLUMN windows jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT tariff_windows_are_a_list CHECK (jsonb_typeof(windows) = 'array'),
    ADD COLUMN no_show_percent integer NOT NULL DEFAULT 0
        CONSTRAINT tariff_no_show_is_a_part CHECK (no_show_percent BETWEEN 0 AND 100),
    ADD COLUMN no_show_tax text NOT NULL DEFAULT 'out_of_scope'
        CONSTRAINT tariff_no_show_tax_known CHECK (no_show_tax IN ('standard', 'out_of_scope')),
    ADD COLUMN late_cancel_percent integer NOT NULL DEFAULT 0
        CONSTRAINT tariff_late_cancel_is_a_part CHECK (late_cancel_percent BETWEEN 0 AND 100),
    ADD COLUMN late_cancel_tax text NOT NULL DEFAULT 'out_of_scope'
        CONSTRAINT tariff_late_cancel_tax_known CHECK (late_cancel_tax IN ('standard', 'out_of_scope')),
    DROP CONSTRAINT tariff_machine_exists,
    ADD CONSTRAINT tariff_machine_exists FOREIGN KEY (machine_id) REFERENCES booking.resource (id),
    DROP CONSTRAINT tariff_basis_known,
    ADD CONSTRAINT tariff_basis_known CHECK (basis IN ('occupied', 'running', 'booked', 'longer')),
    ADD CONSTRAINT tariff_idle_is_measured CHECK (idle_yen_per_hour IS NULL OR basis IN ('occupied', 'running')),
    ADD CONSTRAINT tariff_within_cap CHECK (
        greatest(yen_per_hour, idle_yen_per_hour, overrun_yen_per_hour) <= cap_yen_per_hour
        AND NOT jsonb_path_exists(windows, '$[*].yen_per_hour ? (@ > $cap)', jsonb_build_object('cap', cap_yen_per_hour))),
    DROP CONSTRAINT tariff_no_overlap,
    ADD CONSTRAINT tariff_no_overlap EXCLUDE USING gist (machine_id WITH =, (coalesce(service, '')) WITH =, valid WITH &&);

COMMENT ON COLUMN billing.tariff.machine_id IS 'a machine, or a person who advises without one';
COMMENT ON COLUMN billing.tariff.service IS 'null: every service without a tariff of its own';
COMMENT ON COLUMN billing.tariff.cap_yen_per_hour IS 'the highest price that the general assembly allows members to be charged';
COMMENT ON COLUMN billing.tariff.idle_yen_per_hour IS 'of occupied time that does not run; null: as time that runs';
COMMENT ON COLUMN billing.tariff.overrun_yen_per_hour IS 'of use past the end of the reservation; null: as use within it';
COMMENT ON COLUMN billing.tariff.nonmember_yen_per_hour IS 'instead of the price and of every window; null: as members';
COMMENT ON COLUMN billing.tariff.operator_yen_per_hour IS 'of the time of who operates or instructs; null: in the price';
COMMENT ON COLUMN billing.tariff.no_show_percent IS 'of what the slot would have cost as booked';

-- What is used up and counted.
CREATE TABLE billing.consumable (
    id      text PRIMARY KEY CONSTRAINT consumable_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name_ja text NOT NULL,
    name_en text NOT NULL
);

REVOKE UPDATE, DELETE ON billing.consumable FROM moyai_app;

-- Its price in versions, as a tariff.
CREATE TABLE billing.consumable_price (
    id            uuid PRIMARY KEY,
    consumable_id text NOT NULL CONSTRAINT consumable_price_consumable_exists REFERENCES billing.consumable (id),
    valid         daterange NOT NULL CONSTRAINT consumable_price_has_a_beginning CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    yen_each      integer NOT NULL CONSTRAINT consumable_price_not_negative CHECK (yen_each >= 0),
    resolution    text NOT NULL,
    tax           text NOT NULL CONSTRAINT consumable_price_tax_known CHECK (tax IN ('standard', 'out_of_scope')),
    CONSTRAINT consumable_price_no_overlap EXCLUDE USING gist (consumable_id WITH =, valid WITH &&)
);

REVOKE UPDATE, DELETE ON billing.consumable_price FROM moyai_app;

GRANT UPDATE (valid) ON billing.consumable_price TO moyai_app;

-- How many a member used on a machine on a local day.
CREATE TABLE billing.consumption (
    id             uuid PRIMARY KEY,
    consumable_id  text NOT NULL CONSTRAINT consumption_consumable_exists REFERENCES billing.consumable (id),
    machine_id     text NOT NULL CONSTRAINT consumption_machine_exists REFERENCES coop.machine (id),
    member_id      text NOT NULL CONSTRAINT consumption_member_exists REFERENCES coop.member (id),
    reservation_id uuid CONSTRAINT consumption_reservation_exists REFERENCES booking.reservation (id),
    used_on        date NOT NULL,
    month          date NOT NULL GENERATED ALWAYS AS (used_on - (extract(day FROM used_on)::integer - 1)) STORED
                   CONSTRAINT consumption_period_exists REFERENCES billing.period (month),
    count          integer NOT NULL CONSTRAINT consumption_counts_something CHECK (count > 0),
    entered_by     uuid CONSTRAINT consumption_person_exists REFERENCES coop.person (id),
    entered_at     timestamptz NOT NULL
);

CREATE INDEX consumption_by_month ON billing.consumption (month, machine_id);

REVOKE UPDATE ON billing.consumption FROM moyai_app;

CREATE TRIGGER consumption_added_in_time AFTER INSERT ON billing.consumption
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER consumption_stays AFTER DELETE ON billing.consumption
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- Each of these is a line of its own, because its tax or its meaning is.
ALTER TABLE billing.line
    DROP CONSTRAINT line_machine_exists,
    ADD CONSTRAINT line_machine_exists FOREIGN KEY (machine_id) REFERENCES booking.resource (id),
    DROP CONSTRAINT line_kind_known,
    ADD CONSTRAINT line_kind_known
        CHECK (kind IN ('fee', 'share', 'operator', 'consumable', 'no_show', 'late_cancel')),
    DROP CONSTRAINT line_of_machine_or_pool,
    ADD CONSTRAINT line_of_machine_or_pool
        CHECK ((kind = 'share') = (pool_id IS NOT NULL) AND num_nonnulls(machine_id, pool_id) = 1),
    DROP CONSTRAINT line_fee_says_when,
    ADD CONSTRAINT line_fee_says_when CHECK ((kind <> 'share') = (starts_at IS NOT NULL AND ends_at IS NOT NULL));

CREATE INDEX fee_event_by_time ON booking.fee_event (at);
