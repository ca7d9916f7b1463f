-- A year of the cooperative: its measure of non-members' use, refunds in proportion to use, and what was subsidised.

-- How use by non-members is measured against members' (員外利用); one row, with the law's figures until changed.
CREATE TABLE billing.nonmember_rule (
    only_one           boolean PRIMARY KEY DEFAULT true CONSTRAINT nonmember_rule_is_one CHECK (only_one),
    measure            text NOT NULL DEFAULT 'hours' CONSTRAINT nonmember_rule_measure_known CHECK (measure IN ('hours', 'yen')),
    fiscal_first_month integer NOT NULL DEFAULT 4 CONSTRAINT nonmember_rule_month_known CHECK (fiscal_first_month BETWEEN 1 AND 12),
    warn_percent       numeric NOT NULL DEFAULT 16,
    limit_percent      numeric NOT NULL DEFAULT 20,
    CONSTRAINT nonmember_rule_warns_first CHECK (0 <= warn_percent AND warn_percent <= limit_percent)
);

INSERT INTO billing.nonmember_rule DEFAULT VALUES;

REVOKE INSERT, DELETE ON billing.nonmember_rule FROM moyai_app;

-- A refund that the general assembly resolved (利用分量配当): never changed, one a fiscal year.
CREATE TABLE billing.refund (
    fiscal_year integer PRIMARY KEY CONSTRAINT refund_year_known CHECK (fiscal_year BETWEEN 2000 AND 2999),
    amount_yen  bigint NOT NULL CONSTRAINT refund_is_something CHECK (amount_yen > 0),
    resolution  text NOT NULL CONSTRAINT refund_is_resolved CHECK (resolution <> ''),
    entered_by  uuid CONSTRAINT refund_person_exists REFERENCES coop.person (id),
    entered_at  timestamptz NOT NULL
);

CREATE TABLE billing.refund_share (
    fiscal_year integer NOT NULL CONSTRAINT refund_share_refund_exists REFERENCES billing.refund (fiscal_year),
    member_id   text NOT NULL CONSTRAINT refund_share_member_exists REFERENCES coop.member (id),
    tax_rate    numeric(3, 2),
    used_yen    bigint NOT NULL,
    amount_yen  bigint NOT NULL CONSTRAINT refund_share_not_negative CHECK (amount_yen >= 0),
    CONSTRAINT refund_share_once UNIQUE NULLS NOT DISTINCT (fiscal_year, member_id, tax_rate)
);

COMMENT ON COLUMN billing.refund_share.used_yen IS 'what the member paid for use in the year at this rate, tax-exclusive';
COMMENT ON COLUMN billing.refund_share.amount_yen IS 'tax-inclusive: a return of sales at the original rate';

REVOKE UPDATE, DELETE ON billing.refund, billing.refund_share FROM moyai_app;

-- What paid for a machine, and until when it must be used as promised.
CREATE TABLE billing.subsidy (
    machine_id       text PRIMARY KEY CONSTRAINT subsidy_machine_exists REFERENCES coop.machine (id),
    grant_number     text NOT NULL CONSTRAINT subsidy_grant_named CHECK (grant_number <> ''),
    funder           text NOT NULL,
    acquired_yen     bigint NOT NULL CONSTRAINT subsidy_cost_positive CHECK (acquired_yen > 0),
    subsidy_yen      bigint NOT NULL,
    restricted_until date NOT NULL,
    CONSTRAINT subsidy_is_a_part CHECK (subsidy_yen BETWEEN 0 AND acquired_yen)
);
