-- Documents: who issues and who receives them, their numbers without gaps, and what was sent, which stays as it is.

-- What the documents say of the cooperative. The newest row counts; the earlier ones stay.
CREATE TABLE billing.issuer (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entered_at         timestamptz NOT NULL,
    name               text NOT NULL CONSTRAINT issuer_has_a_name CHECK (name <> ''),
    address            text NOT NULL,
    contact            text NOT NULL,
    invoice_number     text CONSTRAINT issuer_invoice_number_form CHECK (invoice_number ~ '^T[0-9]{13}$'),
    pay_to             text NOT NULL,
    due_months         integer NOT NULL CONSTRAINT issuer_due_months_few CHECK (due_months BETWEEN 0 AND 6),
    due_day            integer NOT NULL CONSTRAINT issuer_due_day_of_month CHECK (due_day BETWEEN 1 AND 31),
    due_shift          text NOT NULL CONSTRAINT issuer_due_shift_known CHECK (due_shift IN ('later', 'earlier', 'none')),
    fiscal_year_starts integer NOT NULL CONSTRAINT issuer_fiscal_year_starts_a_month CHECK (fiscal_year_starts BETWEEN 1 AND 12)
);

COMMENT ON COLUMN billing.issuer.pay_to IS 'the bank account to pay to, as printed';
COMMENT ON COLUMN billing.issuer.due_months IS 'months after the month that is charged; due_day past its end is its last day';
COMMENT ON COLUMN billing.issuer.due_shift IS 'where a due date goes that falls on a bank holiday';

-- What the documents say of a member, and what it chose. The newest row of a member counts.
CREATE TABLE billing.recipient (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entered_at     timestamptz NOT NULL,
    member_id      text NOT NULL CONSTRAINT recipient_member_exists REFERENCES coop.member (id),
    name           text NOT NULL CONSTRAINT recipient_has_a_name CHECK (name <> ''),
    address        text NOT NULL,
    invoice_number text CONSTRAINT recipient_invoice_number_form CHECK (invoice_number ~ '^T[0-9]{13}$'),
    english        boolean NOT NULL,
    part_names     boolean NOT NULL
);

COMMENT ON COLUMN billing.recipient.english IS 'an English version is printed too';
COMMENT ON COLUMN billing.recipient.part_names IS 'the usage appendix names the parts';

CREATE INDEX recipient_by_member ON billing.recipient (member_id, id);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.issuer, billing.recipient FROM moyai_app;

-- The last number given in a fiscal year. Whoever gives one holds the row until the document is there: no gaps.
CREATE TABLE billing.document_counter (
    fiscal_year integer PRIMARY KEY,
    last        integer NOT NULL CONSTRAINT document_counter_counts CHECK (last >= 1)
);

REVOKE DELETE, TRUNCATE ON billing.document_counter FROM moyai_app;

-- A month whose statements are sent out as documents.
CREATE TABLE billing.issue (
    month        date PRIMARY KEY CONSTRAINT issue_period_exists REFERENCES billing.period (month),
    requested_at timestamptz NOT NULL,
    requested_by uuid CONSTRAINT issue_person_exists REFERENCES coop.person (id),
    issued_on    date NOT NULL
);

COMMENT ON COLUMN billing.issue.issued_on IS 'the date on all of its documents; when they are there, the month has taken the step issued';

REVOKE UPDATE, DELETE, TRUNCATE ON billing.issue FROM moyai_app;

CREATE TABLE billing.document (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CONSTRAINT document_kind_known CHECK (kind IN ('invoice', 'return', 'purchase')),
    qualified    boolean NOT NULL,
    fiscal_year  integer NOT NULL,
    serial       integer NOT NULL CONSTRAINT document_serial_counts CHECK (serial >= 1),
    month        date NOT NULL CONSTRAINT document_period_exists REFERENCES billing.period (month),
    statement_id uuid CONSTRAINT document_statement_exists REFERENCES billing.statement (id),
    member_id    text NOT NULL CONSTRAINT document_member_exists REFERENCES coop.member (id),
    counterparty text NOT NULL,
    issued_on    date NOT NULL,
    issued_at    timestamptz NOT NULL,
    issued_by    uuid CONSTRAINT document_person_exists REFERENCES coop.person (id),
    due_on       date,
    net_yen      bigint NOT NULL,
    tax_yen      bigint NOT NULL,
    total_yen    bigint NOT NULL CONSTRAINT document_adds_up CHECK (total_yen = net_yen + tax_yen),
    taxes        jsonb NOT NULL,
    reason       text NOT NULL,
    supersedes   uuid CONSTRAINT document_superseded_exists REFERENCES billing.document (id),
    returns      uuid CONSTRAINT document_returned_exists REFERENCES billing.document (id),
    CONSTRAINT document_number UNIQUE (fiscal_year, serial),
    CONSTRAINT document_superseded_once UNIQUE (supersedes),
    CONSTRAINT document_of_a_statement CHECK ((kind = 'purchase') = (statement_id IS NULL)),
    CONSTRAINT document_return_names_its_invoice CHECK ((kind = 'return') = (returns IS NOT NULL))
);

COMMENT ON COLUMN billing.document.qualified IS 'the issuer was registered: 適格請求書, 適格返還請求書';
COMMENT ON COLUMN billing.document.reason IS 'why it was corrected or returned, as printed';

-- A member gets one invoice and one purchase statement a month, and then what supersedes them.
CREATE UNIQUE INDEX document_one_a_month ON billing.document (month, member_id, kind)
    WHERE supersedes IS NULL AND kind <> 'return';

CREATE INDEX document_by_member ON billing.document (member_id, fiscal_year, serial);

CREATE INDEX document_by_date ON billing.document (issued_on);

CREATE INDEX document_of_return ON billing.document (returns) WHERE returns IS NOT NULL;

-- The bytes that were sent. They are served and never made again.
CREATE TABLE billing.document_print (
    document_id uuid NOT NULL CONSTRAINT document_print_document_exists REFERENCES billing.document (id),
    locale      text NOT NULL CONSTRAINT document_print_locale_known CHECK (locale IN ('ja', 'en')),
    pdf         bytea NOT NULL,
    sha256      bytea NOT NULL CONSTRAINT document_print_is_sha256 CHECK (sha256 = sha256(pdf)),
    PRIMARY KEY (document_id, locale)
);

ALTER TABLE billing.document_print ALTER COLUMN pdf SET STORAGE EXTERNAL;

CREATE TABLE billing.document_mailed (
    document_id uuid NOT NULL CONSTRAINT document_mailed_document_exists REFERENCES billing.document (id),
    person_id   uuid NOT NULL CONSTRAINT document_mailed_person_exists REFERENCES coop.person (id),
    mailed_at   timestamptz NOT NULL,
    PRIMARY KEY (document_id, person_id)
);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.document, billing.document_print, billing.document_mailed FROM moyai_app;

-- The owner of the tables cannot change them by mistake either.
CREATE FUNCTION billing.refuse_document_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a document stays as it was issued'
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'document_stays';
END
$$;

CREATE TRIGGER document_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.document
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_document_change();

CREATE TRIGGER document_print_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.document_print
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_document_change();
