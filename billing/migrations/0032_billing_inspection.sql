-- The year: a refund is booked and documented; who paid for an asset; what the ward may look into, and until when.

-- A refund that the ledger has (利用分量配当): booked once, on the day of the general meeting or after it.
CREATE TABLE billing.refund_booked (
    fiscal_year integer PRIMARY KEY CONSTRAINT refund_booked_refund_exists REFERENCES billing.refund (fiscal_year),
    on_day      date NOT NULL,
    booked_by   uuid CONSTRAINT refund_booked_person_exists REFERENCES coop.person (id),
    booked_at   timestamptz NOT NULL
);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.refund_booked FROM moyai_app;

ALTER TABLE billing.ledger_entry
    DROP CONSTRAINT ledger_entry_source_known,
    ADD CONSTRAINT ledger_entry_source_known CHECK (source IN
        ('statement', 'payment', 'refund', 'payout', 'netting', 'opening', 'owner_credit', 'reversal', 'patronage_refund'));

-- A return of a year's sales names the year instead of one invoice, and the year's last month.
ALTER TABLE billing.document
    ADD COLUMN refund_year integer CONSTRAINT document_refund_exists REFERENCES billing.refund (fiscal_year),
    DROP CONSTRAINT document_of_a_statement,
    ADD CONSTRAINT document_of_a_statement
        CHECK ((kind = 'purchase' OR refund_year IS NOT NULL) = (statement_id IS NULL)),
    DROP CONSTRAINT document_return_names_its_invoice,
    ADD CONSTRAINT document_return_names_its_invoice
        CHECK ((kind = 'return') = (num_nonnulls(returns, refund_year) = 1) AND num_nonnulls(returns, refund_year) < 2);

CREATE UNIQUE INDEX document_one_refund_a_year ON billing.document (refund_year, member_id)
    WHERE refund_year IS NOT NULL AND supersedes IS NULL;

-- What paid for an asset, and until when it must be used as promised (処分制限). Nothing was entered the way of 0026.
DROP TABLE billing.subsidy;

CREATE TABLE billing.subsidy (
    asset_id         uuid NOT NULL CONSTRAINT subsidy_asset_exists REFERENCES billing.asset (id),
    grant_number     text NOT NULL CONSTRAINT subsidy_grant_named CHECK (grant_number <> ''),
    funder           text NOT NULL CONSTRAINT subsidy_funder_named CHECK (funder <> ''),
    granted_yen      bigint NOT NULL CONSTRAINT subsidy_grants_something CHECK (granted_yen > 0),
    restricted_until date NOT NULL,
    PRIMARY KEY (asset_id, grant_number)
);

COMMENT ON COLUMN billing.subsidy.restricted_until IS 'the last day on which the asset may not be disposed of without leave';

REVOKE DELETE, TRUNCATE ON billing.subsidy FROM moyai_app;

-- A person of the ward may look into the use of a subsidised asset in one fiscal year, for a time.
CREATE TABLE billing.inspection (
    id          uuid PRIMARY KEY,
    asset_id    uuid NOT NULL CONSTRAINT inspection_asset_exists REFERENCES billing.asset (id),
    fiscal_year integer NOT NULL CONSTRAINT inspection_year_known CHECK (fiscal_year BETWEEN 2000 AND 2999),
    person_id   uuid NOT NULL CONSTRAINT inspection_person_exists REFERENCES coop.person (id),
    reason      text NOT NULL CONSTRAINT inspection_has_a_reason CHECK (reason <> ''),
    days        integer NOT NULL CONSTRAINT inspection_is_short CHECK (days BETWEEN 1 AND 31),
    proposed_by uuid NOT NULL CONSTRAINT inspection_proposer_exists REFERENCES coop.person (id),
    proposed_at timestamptz NOT NULL,
    approved_by uuid CONSTRAINT inspection_approver_exists REFERENCES coop.person (id),
    approved_at timestamptz,
    expires_at  timestamptz,
    revoked_by  uuid CONSTRAINT inspection_revoker_exists REFERENCES coop.person (id),
    revoked_at  timestamptz,
    CONSTRAINT inspection_by_two CHECK (approved_by <> proposed_by),
    CONSTRAINT inspection_approved_wholly CHECK (num_nonnulls(approved_by, approved_at, expires_at) IN (0, 3)),
    CONSTRAINT inspection_revoked_wholly CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);

COMMENT ON COLUMN billing.inspection.days IS 'how long it is open once approved';

CREATE INDEX inspection_by_asset ON billing.inspection (asset_id, proposed_at);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.inspection FROM moyai_app;

GRANT UPDATE (approved_by, approved_at, expires_at, revoked_by, revoked_at) ON billing.inspection TO moyai_app;
