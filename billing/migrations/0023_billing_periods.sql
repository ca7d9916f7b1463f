-- A month on its way: who drafted what, who approved it, what became of it; adjustments of closed months, and disputes.

ALTER TABLE billing.period
    ADD COLUMN drafted_by uuid CONSTRAINT period_drafter_exists REFERENCES coop.person (id),
    ADD COLUMN draft_hash bytea CONSTRAINT period_draft_hash_is_sha256 CHECK (length(draft_hash) = 32);

COMMENT ON COLUMN billing.period.draft_hash IS 'of all lines and the result: an approval is of this, so a changed draft has none';

-- A second person agreed to a draft: signed in, by a link made out to that person, or on paper, which is kept.
CREATE TABLE billing.approval (
    id           uuid PRIMARY KEY,
    month        date NOT NULL CONSTRAINT approval_period_exists REFERENCES billing.period (month),
    draft_hash   bytea NOT NULL CONSTRAINT approval_draft_hash_is_sha256 CHECK (length(draft_hash) = 32),
    how          text NOT NULL CONSTRAINT approval_how_known CHECK (how IN ('person', 'link', 'paper')),
    approved_by  uuid NOT NULL CONSTRAINT approval_person_exists REFERENCES coop.person (id),
    drafted_by   uuid CONSTRAINT approval_drafter_exists REFERENCES coop.person (id),
    entered_by   uuid CONSTRAINT approval_enterer_exists REFERENCES coop.person (id),
    approved_at  timestamptz NOT NULL,
    paper        bytea,
    paper_sha256 bytea GENERATED ALWAYS AS (sha256(paper)) STORED,
    CONSTRAINT approval_once_a_draft UNIQUE (month, draft_hash),
    CONSTRAINT approval_by_a_second_person CHECK (approved_by <> drafted_by),
    CONSTRAINT approval_paper_is_kept CHECK ((how = 'paper') = (paper IS NOT NULL))
);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.approval FROM moyai_app;

-- A link that approves one draft once. Only the hash of its secret is known here.
CREATE TABLE billing.approval_link (
    secret_hash bytea PRIMARY KEY,
    month       date NOT NULL CONSTRAINT approval_link_period_exists REFERENCES billing.period (month),
    draft_hash  bytea NOT NULL,
    person_id   uuid NOT NULL CONSTRAINT approval_link_person_exists REFERENCES coop.person (id),
    made_by     uuid CONSTRAINT approval_link_maker_exists REFERENCES coop.person (id),
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CONSTRAINT approval_link_lasts CHECK (expires_at > made_at),
    used_at     timestamptz
);

REVOKE UPDATE, DELETE ON billing.approval_link FROM moyai_app;

GRANT UPDATE (used_at) ON billing.approval_link TO moyai_app;

-- Which findings block a close and which only warn, where it is not as the program would have it.
CREATE TABLE billing.finding_rule (
    code   text PRIMARY KEY,
    blocks boolean NOT NULL
);

-- What became of a closed month.
CREATE TABLE billing.period_step (
    month    date NOT NULL CONSTRAINT period_step_period_exists REFERENCES billing.period (month),
    step     text NOT NULL CONSTRAINT period_step_known CHECK (step IN ('issued', 'settled')),
    taken_at timestamptz NOT NULL,
    taken_by uuid CONSTRAINT period_step_person_exists REFERENCES coop.person (id),
    PRIMARY KEY (month, step)
);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.period_step FROM moyai_app;

-- What a closed month should have said otherwise, charged or given back in a later one at the original rate and tax.
CREATE TABLE billing.adjustment (
    id               uuid PRIMARY KEY,
    month            date NOT NULL CONSTRAINT adjustment_period_exists REFERENCES billing.period (month),
    source_month     date NOT NULL CONSTRAINT adjustment_source_exists REFERENCES billing.period (month),
    source_n         integer CONSTRAINT adjustment_source_counts CHECK (source_n >= 1),
    member_id        text NOT NULL CONSTRAINT adjustment_member_exists REFERENCES coop.member (id),
    reason           text NOT NULL CONSTRAINT adjustment_reason_known
                     CHECK (reason IN ('late_use', 'late_share', 'correction', 'waiver')),
    source_kind      text NOT NULL,
    machine_id       text CONSTRAINT adjustment_machine_exists REFERENCES booking.resource (id),
    pool_id          text CONSTRAINT adjustment_pool_exists REFERENCES billing.cost_pool (id),
    quantity_seconds bigint NOT NULL,
    amount_yen       bigint NOT NULL CONSTRAINT adjustment_moves_something CHECK (amount_yen <> 0),
    tax_rate         numeric(3, 2),
    numbers          jsonb NOT NULL,
    note             text NOT NULL,
    entered_by       uuid CONSTRAINT adjustment_enterer_exists REFERENCES coop.person (id),
    entered_at       timestamptz NOT NULL,
    CONSTRAINT adjustment_of_an_earlier_month CHECK (source_month < month),
    CONSTRAINT adjustment_of_machine_or_pool CHECK (num_nonnulls(machine_id, pool_id) >= 1)
);

COMMENT ON COLUMN billing.adjustment.source_n IS 'the line of that month''s statement; null: there was none';
COMMENT ON COLUMN billing.adjustment.numbers IS 'how the amount came about, for its explanation';

CREATE INDEX adjustment_by_month ON billing.adjustment (month);

CREATE INDEX adjustment_by_source ON billing.adjustment (source_month, machine_id);

REVOKE UPDATE, TRUNCATE ON billing.adjustment FROM moyai_app;

CREATE TRIGGER adjustment_added_in_time AFTER INSERT ON billing.adjustment
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER adjustment_stays AFTER DELETE ON billing.adjustment
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

-- A pool takes what adjustments of its machines and shares bring into its carry-over.
ALTER TABLE billing.pool_result
    ADD COLUMN adjusted_yen bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT pool_result_adds_up,
    ADD CONSTRAINT pool_result_adds_up CHECK (carried_yen = income_yen + charged_yen + adjusted_yen - cost_yen);

-- An adjustment is of a machine or of a pool, whatever it charges.
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

-- A member questions a line; what was said and done about it stays, step after step.
CREATE TABLE billing.dispute (
    id           uuid PRIMARY KEY,
    statement_id uuid NOT NULL,
    n            integer NOT NULL,
    month        date NOT NULL CONSTRAINT dispute_period_exists REFERENCES billing.period (month),
    member_id    text NOT NULL CONSTRAINT dispute_member_exists REFERENCES coop.member (id),
    opened_at    timestamptz NOT NULL,
    CONSTRAINT dispute_once_a_line UNIQUE (statement_id, n),
    CONSTRAINT dispute_line_exists FOREIGN KEY (statement_id, n) REFERENCES billing.line (statement_id, n)
);

CREATE INDEX dispute_by_member ON billing.dispute (member_id, opened_at);

CREATE TABLE billing.dispute_step (
    dispute_id    uuid NOT NULL CONSTRAINT dispute_step_dispute_exists REFERENCES billing.dispute (id),
    n             integer NOT NULL CONSTRAINT dispute_step_counts CHECK (n >= 1),
    action        text NOT NULL CONSTRAINT dispute_step_known
                  CHECK (action IN ('asked', 'answered', 'proposed', 'agreed', 'refused')),
    words         text NOT NULL,
    taken_at      timestamptz NOT NULL,
    taken_by      uuid CONSTRAINT dispute_step_person_exists REFERENCES coop.person (id),
    reason        text CONSTRAINT dispute_step_reason_known CHECK (reason IN ('correction', 'waiver')),
    amount_yen    bigint CONSTRAINT dispute_step_moves_something CHECK (amount_yen <> 0),
    adjustment_id uuid CONSTRAINT dispute_step_adjustment_exists REFERENCES billing.adjustment (id),
    PRIMARY KEY (dispute_id, n),
    CONSTRAINT dispute_step_proposes CHECK
        ((action = 'proposed') = (reason IS NOT NULL) AND (reason IS NULL) = (amount_yen IS NULL)),
    CONSTRAINT dispute_step_agrees CHECK ((action = 'agreed') = (adjustment_id IS NOT NULL))
);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.dispute, billing.dispute_step FROM moyai_app;
