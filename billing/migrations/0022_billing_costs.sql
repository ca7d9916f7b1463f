-- Costs that return, are written down or become known later; rules that divide them, in versions by month; hosted machines.
-- What holds from a month on is entered once more to change it: the entry made last for the latest month counts.

CREATE TABLE billing.pool_rule (
    id             uuid PRIMARY KEY,
    pool_id        text NOT NULL CONSTRAINT pool_rule_pool_exists REFERENCES billing.cost_pool (id),
    month          date NOT NULL CONSTRAINT pool_rule_from_a_month CHECK (extract(day FROM month) = 1),
    allocation     text NOT NULL CONSTRAINT pool_rule_allocation_known
        CHECK (allocation IN ('by_use', 'equal', 'by_commitment', 'by_units', 'tiers')),
    alpha          numeric(4, 3) NOT NULL DEFAULT 1 CONSTRAINT pool_rule_alpha_is_a_part CHECK (alpha BETWEEN 0 AND 1),
    rest_by        text NOT NULL DEFAULT 'by_use' CONSTRAINT pool_rule_rest_known
        CHECK (rest_by IN ('by_use', 'equal', 'by_commitment', 'by_units', 'tiers')),
    variable_kinds text[] NOT NULL DEFAULT '{}',
    tier_costs_yen bigint[] NOT NULL DEFAULT '{}',
    carry          text NOT NULL DEFAULT 'kept' CONSTRAINT pool_rule_carry_known CHECK (carry IN ('kept', 'divided')),
    legal_form     text NOT NULL DEFAULT 'usage_fee' CONSTRAINT pool_rule_legal_form_known
        CHECK (legal_form IN ('usage_fee', 'levy', 'special_charge')),
    notice_ja      text NOT NULL DEFAULT '',
    notice_en      text NOT NULL DEFAULT '',
    resolution     text NOT NULL,
    tax            text NOT NULL CONSTRAINT pool_rule_tax_known CHECK (tax IN ('standard', 'out_of_scope')),
    entered_at     timestamptz NOT NULL,
    CONSTRAINT pool_rule_tiers_have_costs
        CHECK ('tiers' NOT IN (allocation, rest_by) OR cardinality(tier_costs_yen) > 0),
    CONSTRAINT pool_rule_special_charge_is_notified
        CHECK (legal_form <> 'special_charge' OR (notice_ja <> '' AND notice_en <> ''))
);

COMMENT ON COLUMN billing.pool_rule.month IS 'the first month that it divides';
COMMENT ON COLUMN billing.pool_rule.alpha IS 'the part divided by allocation; what is left of one is divided by rest_by';
COMMENT ON COLUMN billing.pool_rule.variable_kinds IS 'kinds of cost that are always divided by use';
COMMENT ON COLUMN billing.pool_rule.tier_costs_yen IS 'what a machine that reaches each tier would cost, rising';
COMMENT ON COLUMN billing.pool_rule.carry IS 'kept: the balance stays; divided: it enters the next division';

CREATE INDEX pool_rule_by_pool ON billing.pool_rule (pool_id, month, entered_at);

INSERT INTO billing.pool_rule (id, pool_id, month, allocation, resolution, tax, entered_at)
SELECT gen_random_uuid(), id, '2000-01-01', allocation, resolution, tax, now() FROM billing.cost_pool;

ALTER TABLE billing.cost_pool DROP COLUMN allocation, DROP COLUMN resolution, DROP COLUMN tax;

REVOKE UPDATE, DELETE ON billing.pool_rule FROM moyai_app;

CREATE TRIGGER pool_rule_added_in_time AFTER INSERT ON billing.pool_rule
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- What rules weigh members by.
CREATE TABLE billing.weight (
    id         uuid PRIMARY KEY,
    member_id  text NOT NULL CONSTRAINT weight_member_exists REFERENCES coop.member (id),
    pool_id    text CONSTRAINT weight_pool_exists REFERENCES billing.cost_pool (id),
    measure    text NOT NULL CONSTRAINT weight_measure_known
        CHECK (measure IN ('participation', 'commitment', 'units', 'tier')),
    month      date NOT NULL CONSTRAINT weight_from_a_month CHECK (extract(day FROM month) = 1),
    value      numeric(12, 3) NOT NULL CONSTRAINT weight_not_negative CHECK (value >= 0),
    resolution text NOT NULL,
    entered_at timestamptz NOT NULL
);

COMMENT ON COLUMN billing.weight.pool_id IS 'null: in every pool for which the member has no value of its own';
COMMENT ON COLUMN billing.weight.value IS 'hours a month committed, units owned, tier needed, or 1: takes part; 0 ends it';

CREATE INDEX weight_by_member ON billing.weight (member_id, measure, month);

REVOKE UPDATE, DELETE ON billing.weight FROM moyai_app;

CREATE TRIGGER weight_added_in_time AFTER INSERT ON billing.weight
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

ALTER TABLE billing.cost
    ADD COLUMN machine_id text CONSTRAINT cost_machine_exists REFERENCES coop.machine (id),
    ADD COLUMN estimated boolean NOT NULL DEFAULT false;

-- A cost of every month.
CREATE TABLE billing.recurring_cost (
    id            uuid PRIMARY KEY,
    pool_id       text NOT NULL CONSTRAINT recurring_cost_pool_exists REFERENCES billing.cost_pool (id),
    machine_id    text CONSTRAINT recurring_cost_machine_exists REFERENCES coop.machine (id),
    kind          text NOT NULL CONSTRAINT recurring_cost_kind_is_slug CHECK (kind ~ '^[a-z0-9][a-z0-9_]{0,30}$'),
    note          text NOT NULL,
    yen_per_month bigint NOT NULL CONSTRAINT recurring_cost_not_negative CHECK (yen_per_month >= 0),
    estimated     boolean NOT NULL,
    month         date NOT NULL CONSTRAINT recurring_cost_from_a_month CHECK (extract(day FROM month) = 1),
    until_month   date CONSTRAINT recurring_cost_until_a_month CHECK (extract(day FROM until_month) = 1 AND until_month >= month)
);

COMMENT ON COLUMN billing.recurring_cost.until_month IS 'the first month without it';

REVOKE UPDATE, DELETE ON billing.recurring_cost FROM moyai_app;

GRANT UPDATE (until_month) ON billing.recurring_cost TO moyai_app;

CREATE TRIGGER recurring_cost_added_in_time AFTER INSERT ON billing.recurring_cost
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- What was bought and is written down month by month.
CREATE TABLE billing.asset (
    id                uuid PRIMARY KEY,
    pool_id           text NOT NULL CONSTRAINT asset_pool_exists REFERENCES billing.cost_pool (id),
    machine_id        text CONSTRAINT asset_machine_exists REFERENCES coop.machine (id),
    name_ja           text NOT NULL,
    name_en           text NOT NULL,
    acquired_on       date NOT NULL,
    cost_yen          bigint NOT NULL CONSTRAINT asset_cost_positive CHECK (cost_yen > 0),
    subsidy_yen       bigint NOT NULL DEFAULT 0 CONSTRAINT asset_subsidy_within_cost CHECK (subsidy_yen >= 0 AND subsidy_yen < cost_yen),
    method            text NOT NULL CONSTRAINT asset_method_known CHECK (method IN ('straight_line', 'declining')),
    useful_life_years integer NOT NULL CONSTRAINT asset_life_in_the_table CHECK (useful_life_years BETWEEN 2 AND 20),
    fiscal_month      integer NOT NULL DEFAULT 4 CONSTRAINT asset_fiscal_month_is_a_month CHECK (fiscal_month BETWEEN 1 AND 12),
    month             date NOT NULL CONSTRAINT asset_from_a_month CHECK (extract(day FROM month) = 1),
    until_month       date CONSTRAINT asset_until_a_month CHECK (extract(day FROM until_month) = 1 AND until_month >= month),
    CONSTRAINT asset_charged_once_acquired CHECK (month >= date_trunc('month', acquired_on::timestamp)::date)
);

COMMENT ON COLUMN billing.asset.subsidy_yen IS 'deducted from the cost before it is written down (圧縮記帳)';
COMMENT ON COLUMN billing.asset.fiscal_month IS 'the month in which the fiscal year begins';
COMMENT ON COLUMN billing.asset.month IS 'the first month whose depreciation is a cost of the pool';
COMMENT ON COLUMN billing.asset.until_month IS 'the first month without it: sold or scrapped';

REVOKE UPDATE, DELETE ON billing.asset FROM moyai_app;

GRANT UPDATE (until_month) ON billing.asset TO moyai_app;

CREATE TRIGGER asset_added_in_time AFTER INSERT ON billing.asset
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- What a cost turned out to be: in its own month while that is open, in the next open one afterwards.
CREATE TABLE billing.cost_actual (
    id         uuid PRIMARY KEY,
    cost_id    uuid NOT NULL,
    of_month   date NOT NULL CONSTRAINT cost_actual_of_a_month CHECK (extract(day FROM of_month) = 1),
    pool_id    text NOT NULL CONSTRAINT cost_actual_pool_exists REFERENCES billing.cost_pool (id),
    kind       text NOT NULL,
    note       text NOT NULL,
    before_yen bigint NOT NULL,
    amount_yen bigint NOT NULL CONSTRAINT cost_actual_not_negative CHECK (amount_yen >= 0),
    month      date NOT NULL CONSTRAINT cost_actual_period_exists REFERENCES billing.period (month),
    entered_at timestamptz NOT NULL,
    CONSTRAINT cost_actual_charged_afterwards CHECK (month >= of_month)
);

COMMENT ON COLUMN billing.cost_actual.cost_id IS 'of a cost entered, or produced by a recurring one or an asset';
COMMENT ON COLUMN billing.cost_actual.month IS 'the month that charges it';

CREATE INDEX cost_actual_by_month ON billing.cost_actual (month);

CREATE INDEX cost_actual_by_cost ON billing.cost_actual (cost_id, entered_at);

REVOKE UPDATE, DELETE ON billing.cost_actual FROM moyai_app;

CREATE TRIGGER cost_actual_added_in_time AFTER INSERT ON billing.cost_actual
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- A member's own machine that others use.
CREATE TABLE billing.hosting (
    id                 uuid PRIMARY KEY,
    machine_id         text NOT NULL CONSTRAINT hosting_machine_exists REFERENCES coop.machine (id),
    member_id          text CONSTRAINT hosting_member_exists REFERENCES coop.member (id),
    month              date NOT NULL CONSTRAINT hosting_from_a_month CHECK (extract(day FROM month) = 1),
    commission_percent numeric(5, 2) NOT NULL CONSTRAINT hosting_commission_is_a_part CHECK (commission_percent BETWEEN 0 AND 100),
    tax                text NOT NULL CONSTRAINT hosting_tax_known CHECK (tax IN ('standard', 'out_of_scope')),
    resolution         text NOT NULL,
    entered_at         timestamptz NOT NULL
);

COMMENT ON COLUMN billing.hosting.member_id IS 'null: it is the cooperative''s from this month on';
COMMENT ON COLUMN billing.hosting.commission_percent IS 'of the fees, kept by the cooperative';

CREATE INDEX hosting_by_machine ON billing.hosting (machine_id, month, entered_at);

REVOKE UPDATE, DELETE ON billing.hosting FROM moyai_app;

CREATE TRIGGER hosting_added_in_time AFTER INSERT ON billing.hosting
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- What the cooperative buys from the owners of hosted machines: the fees of a month less its commission.
CREATE TABLE billing.owner_credit (
    month              date NOT NULL CONSTRAINT owner_credit_period_exists REFERENCES billing.period (month),
    machine_id         text NOT NULL CONSTRAINT owner_credit_machine_exists REFERENCES coop.machine (id),
    member_id          text NOT NULL CONSTRAINT owner_credit_member_exists REFERENCES coop.member (id),
    fee_yen            bigint NOT NULL,
    commission_percent numeric(5, 2) NOT NULL,
    commission_yen     bigint NOT NULL,
    amount_yen         bigint NOT NULL CONSTRAINT owner_credit_adds_up CHECK (amount_yen = fee_yen - commission_yen),
    tax_rate           numeric(3, 2),
    PRIMARY KEY (month, machine_id)
);

REVOKE UPDATE ON billing.owner_credit FROM moyai_app;

CREATE TRIGGER owner_credit_added_in_time AFTER INSERT ON billing.owner_credit
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER owner_credit_stays AFTER DELETE ON billing.owner_credit
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- By which weights a month was divided, for what becomes known of it later; and the balance it began with.
ALTER TABLE billing.pool_result
    ADD COLUMN weights jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN brought_yen bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN billing.pool_result.brought_yen IS 'surplus, or (negative) deficit, of the closed months before';

-- An adjustment of a cost is of a pool, one of a use is of a machine.
ALTER TABLE billing.line
    DROP CONSTRAINT line_kind_known,
    ADD CONSTRAINT line_kind_known
        CHECK (kind IN ('fee', 'share', 'operator', 'consumable', 'no_show', 'late_cancel', 'adjustment')),
    DROP CONSTRAINT line_of_machine_or_pool,
    ADD CONSTRAINT line_of_machine_or_pool
        CHECK ((kind = 'adjustment' OR (kind = 'share') = (pool_id IS NOT NULL)) AND num_nonnulls(machine_id, pool_id) = 1),
    DROP CONSTRAINT line_fee_says_when,
    ADD CONSTRAINT line_fee_says_when
        CHECK (kind = 'adjustment' OR (kind <> 'share') = (starts_at IS NOT NULL AND ends_at IS NOT NULL));
