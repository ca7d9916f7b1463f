-- Billing: tariffs, costs, periods with their frozen evidence, statements, and a ledger that is only added to.

CREATE SCHEMA billing;

GRANT USAGE ON SCHEMA billing TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moyai_app;

-- Usage fees in versions, valid on local dates. A version is never edited, it is ended by the next one.
CREATE TABLE billing.tariff (
    id                uuid PRIMARY KEY,
    machine_id        text NOT NULL CONSTRAINT tariff_machine_exists REFERENCES coop.machine (id),
    valid             daterange NOT NULL CONSTRAINT tariff_has_a_beginning CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    basis             text NOT NULL CONSTRAINT tariff_basis_known CHECK (basis IN ('occupied', 'running', 'booked')),
    yen_per_hour      integer NOT NULL CONSTRAINT tariff_not_negative CHECK (yen_per_hour >= 0),
    increment_seconds integer NOT NULL CONSTRAINT tariff_increment_positive CHECK (increment_seconds > 0),
    resolution        text NOT NULL,
    tax               text NOT NULL CONSTRAINT tariff_tax_known CHECK (tax IN ('standard', 'out_of_scope')),
    CONSTRAINT tariff_no_overlap EXCLUDE USING gist (machine_id WITH =, valid WITH &&)
);

COMMENT ON COLUMN billing.tariff.resolution IS 'the board resolution that set this version';

REVOKE UPDATE, DELETE ON billing.tariff FROM moyai_app;

GRANT UPDATE (valid) ON billing.tariff TO moyai_app;

-- Costs that are paid together, by fees, by shares, or by fees and the rest by shares.
CREATE TABLE billing.cost_pool (
    id         text PRIMARY KEY CONSTRAINT cost_pool_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    kind       text NOT NULL CONSTRAINT cost_pool_kind_known CHECK (kind IN ('fee', 'share', 'mixed')),
    allocation text NOT NULL CONSTRAINT cost_pool_allocation_known CHECK (allocation IN ('by_use')),
    name_ja    text NOT NULL,
    name_en    text NOT NULL,
    resolution text NOT NULL,
    tax        text NOT NULL CONSTRAINT cost_pool_tax_known CHECK (tax IN ('standard', 'out_of_scope')),
    CONSTRAINT cost_pool_with_kind UNIQUE (id, kind)
);

REVOKE UPDATE, DELETE ON billing.cost_pool FROM moyai_app;

-- The machines of a pool. A pool without any counts all machines.
CREATE TABLE billing.cost_pool_machine (
    pool_id    text NOT NULL,
    kind       text NOT NULL,
    machine_id text NOT NULL CONSTRAINT cost_pool_machine_exists REFERENCES coop.machine (id),
    PRIMARY KEY (pool_id, machine_id),
    CONSTRAINT cost_pool_machine_pool_exists FOREIGN KEY (pool_id, kind) REFERENCES billing.cost_pool (id, kind)
);

-- A machine's fees are income of one pool at most, so that nothing is covered twice.
CREATE UNIQUE INDEX cost_pool_machine_one_income ON billing.cost_pool_machine (machine_id) WHERE kind IN ('fee', 'mixed');

REVOKE UPDATE, DELETE ON billing.cost_pool_machine FROM moyai_app;

-- One calendar month of the cooperative, named by its first day.
CREATE TABLE billing.period (
    month          date PRIMARY KEY CONSTRAINT period_is_a_month CHECK (extract(day FROM month) = 1),
    status         text NOT NULL DEFAULT 'open' CONSTRAINT period_status_known CHECK (status IN ('open', 'draft', 'closed')),
    drafted_at     timestamptz,
    findings       jsonb NOT NULL DEFAULT '[]',
    metered        jsonb,
    control        jsonb,
    closed_by      uuid CONSTRAINT period_closer_exists REFERENCES coop.person (id),
    closed_at      timestamptz,
    code_version   text,
    previous_month date CONSTRAINT period_previous_exists REFERENCES billing.period (month),
    evidence_hash  bytea CONSTRAINT period_evidence_hash_is_sha256 CHECK (length(evidence_hash) = 32),
    CONSTRAINT period_closed_with_evidence CHECK
        ((status = 'closed') = (closed_at IS NOT NULL AND code_version IS NOT NULL AND evidence_hash IS NOT NULL)),
    CONSTRAINT period_after_previous CHECK (previous_month < month)
);

COMMENT ON COLUMN billing.period.evidence_hash IS 'SHA-256 of the manifest, which contains the hash of the close before';
COMMENT ON COLUMN billing.period.closed_by IS 'null: closed on the command line of the machine itself';

-- The chain of closes does not fork.
CREATE UNIQUE INDEX period_one_successor ON billing.period (previous_month);

REVOKE DELETE ON billing.period FROM moyai_app;

CREATE TABLE billing.cost (
    id         uuid PRIMARY KEY,
    month      date NOT NULL CONSTRAINT cost_period_exists REFERENCES billing.period (month),
    pool_id    text NOT NULL CONSTRAINT cost_pool_exists REFERENCES billing.cost_pool (id),
    kind       text NOT NULL CONSTRAINT cost_kind_is_slug CHECK (kind ~ '^[a-z0-9][a-z0-9_]{0,30}$'),
    note       text NOT NULL,
    amount_yen bigint NOT NULL CONSTRAINT cost_not_negative CHECK (amount_yen >= 0)
);

CREATE INDEX cost_by_month ON billing.cost (month);

REVOKE UPDATE ON billing.cost FROM moyai_app;

-- What a month was computed from: inputs and, once closed, readings by machine and the manifest that signs them.
CREATE TABLE billing.period_evidence (
    month        date NOT NULL CONSTRAINT period_evidence_period_exists REFERENCES billing.period (month),
    part         text NOT NULL,
    sha256       bytea NOT NULL CONSTRAINT period_evidence_is_sha256 CHECK (length(sha256) = 32),
    content_zlib bytea NOT NULL,
    PRIMARY KEY (month, part)
);

COMMENT ON COLUMN billing.period_evidence.sha256 IS 'of the content before compression';

REVOKE UPDATE ON billing.period_evidence FROM moyai_app;

CREATE TABLE billing.pool_result (
    month       date NOT NULL CONSTRAINT pool_result_period_exists REFERENCES billing.period (month),
    pool_id     text NOT NULL CONSTRAINT pool_result_pool_exists REFERENCES billing.cost_pool (id),
    kind        text NOT NULL,
    cost_yen    bigint NOT NULL,
    income_yen  bigint NOT NULL,
    charged_yen bigint NOT NULL,
    carried_yen bigint NOT NULL CONSTRAINT pool_result_adds_up CHECK (carried_yen = income_yen + charged_yen - cost_yen),
    PRIMARY KEY (month, pool_id)
);

REVOKE UPDATE ON billing.pool_result FROM moyai_app;

CREATE TABLE billing.statement (
    id        uuid PRIMARY KEY,
    month     date NOT NULL CONSTRAINT statement_period_exists REFERENCES billing.period (month),
    member_id text NOT NULL CONSTRAINT statement_member_exists REFERENCES coop.member (id),
    net_yen   bigint NOT NULL,
    tax_yen   bigint NOT NULL,
    total_yen bigint NOT NULL CONSTRAINT statement_adds_up CHECK (total_yen = net_yen + tax_yen),
    taxes     jsonb NOT NULL,
    CONSTRAINT statement_one_a_month UNIQUE (month, member_id)
);

REVOKE UPDATE ON billing.statement FROM moyai_app;

-- Tax-exclusive; tax_rate null means outside the tax.
CREATE TABLE billing.line (
    statement_id     uuid NOT NULL CONSTRAINT line_statement_exists REFERENCES billing.statement (id),
    n                integer NOT NULL CONSTRAINT line_counts_from_one CHECK (n >= 1),
    kind             text NOT NULL CONSTRAINT line_kind_known CHECK (kind IN ('fee', 'share')),
    description_code text NOT NULL,
    description      jsonb NOT NULL,
    quantity_seconds bigint NOT NULL,
    amount_yen       bigint NOT NULL,
    tax_rate         numeric(3, 2),
    explanation      jsonb NOT NULL,
    PRIMARY KEY (statement_id, n)
);

REVOKE UPDATE ON billing.line FROM moyai_app;

CREATE TABLE billing.ledger_entry (
    id           uuid PRIMARY KEY,
    month        date NOT NULL CONSTRAINT ledger_entry_period_exists REFERENCES billing.period (month),
    posted_at    timestamptz NOT NULL,
    statement_id uuid NOT NULL CONSTRAINT ledger_entry_statement_exists REFERENCES billing.statement (id),
    CONSTRAINT ledger_entry_once_a_statement UNIQUE (statement_id)
);

CREATE TABLE billing.ledger_posting (
    entry_id   uuid NOT NULL CONSTRAINT ledger_posting_entry_exists REFERENCES billing.ledger_entry (id),
    n          integer NOT NULL,
    account    text NOT NULL CONSTRAINT ledger_posting_account_known CHECK
        (account IN ('receivable', 'fee_income', 'share_income', 'tax_payable')),
    member_id  text CONSTRAINT ledger_posting_member_exists REFERENCES coop.member (id),
    amount_yen bigint NOT NULL CONSTRAINT ledger_posting_moves_something CHECK (amount_yen <> 0),
    PRIMARY KEY (entry_id, n),
    CONSTRAINT ledger_posting_receivable_names_member CHECK ((account = 'receivable') = (member_id IS NOT NULL))
);

COMMENT ON COLUMN billing.ledger_posting.amount_yen IS 'debit positive, credit negative';

REVOKE UPDATE, DELETE, TRUNCATE ON billing.ledger_entry, billing.ledger_posting FROM moyai_app;

-- Every entry balances when its transaction commits.
CREATE FUNCTION billing.entry_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount_yen) FROM billing.ledger_posting WHERE entry_id = NEW.entry_id) <> 0 THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.entry_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT OR UPDATE ON billing.ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.entry_must_balance();

-- A closed period is final: nothing is added to it or taken from it. FOR SHARE waits for a close under way.
CREATE FUNCTION billing.refuse_when_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF 'closed' = ANY (ARRAY(
        SELECT status FROM billing.period WHERE month IN (SELECT month FROM touched) FOR SHARE)) THEN
        RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'period_is_final';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION billing.refuse_line_when_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF 'closed' = ANY (ARRAY(
        SELECT p.status FROM billing.period p
        WHERE p.month IN (SELECT s.month FROM billing.statement s WHERE s.id IN (SELECT statement_id FROM touched))
        FOR SHARE)) THEN
        RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'period_is_final';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION billing.refuse_period_when_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'period_is_final';
END
$$;

CREATE TRIGGER period_is_final BEFORE UPDATE ON billing.period
    FOR EACH ROW WHEN (OLD.status = 'closed') EXECUTE FUNCTION billing.refuse_period_when_closed();

CREATE TRIGGER cost_added_in_time AFTER INSERT ON billing.cost
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER cost_stays AFTER DELETE ON billing.cost
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER period_evidence_added_in_time AFTER INSERT ON billing.period_evidence
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER period_evidence_stays AFTER DELETE ON billing.period_evidence
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER pool_result_added_in_time AFTER INSERT ON billing.pool_result
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER pool_result_stays AFTER DELETE ON billing.pool_result
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER statement_added_in_time AFTER INSERT ON billing.statement
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER statement_stays AFTER DELETE ON billing.statement
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_when_closed();

CREATE TRIGGER line_added_in_time AFTER INSERT ON billing.line
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_line_when_closed();

CREATE TRIGGER line_stays AFTER DELETE ON billing.line
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_line_when_closed();
