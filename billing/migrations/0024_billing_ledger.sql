-- The ledger takes payments, reversals, netting, opening balances and owners' credits beside statements; accounts are
-- data. The bank: accounts of members, files to the bank, what came in.

CREATE TABLE billing.account (
    id         text PRIMARY KEY CONSTRAINT account_id_form CHECK (id ~ '^[a-z][a-z_]{0,30}$'),
    n          integer NOT NULL CONSTRAINT account_order_is_unique UNIQUE,
    kind       text NOT NULL CONSTRAINT account_kind_known CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
    per_member boolean NOT NULL DEFAULT false,
    name_ja    text NOT NULL,
    name_en    text NOT NULL,
    book_name  text NOT NULL,
    book_tax   text NOT NULL DEFAULT '対象外',
    CONSTRAINT account_with_per_member UNIQUE (id, per_member)
);

COMMENT ON COLUMN billing.account.n IS 'its place in a trial balance';
COMMENT ON COLUMN billing.account.book_name IS 'what the bookkeeping package calls it';
COMMENT ON COLUMN billing.account.book_tax IS 'its tax category in the bookkeeping package';

INSERT INTO billing.account (id, n, kind, per_member, name_ja, name_en, book_name) VALUES
    ('bank', 10, 'asset', false, '普通預金', 'Bank', '普通預金'),
    ('receivable', 20, 'asset', true, '売掛金', 'Receivable', '売掛金'),
    ('levy_receivable', 30, 'asset', true, '未収賦課金', 'Levy receivable', '未収入金'),
    ('tax_paid', 40, 'asset', false, '仮払消費税', 'Tax paid', '仮払消費税等'),
    ('payable', 50, 'liability', true, '未払金', 'Payable', '未払金'),
    ('tax_payable', 60, 'liability', false, '仮受消費税', 'Tax received', '仮受消費税等'),
    ('opening', 70, 'equity', false, '期首残高', 'Opening balance', '元入金'),
    ('fee_income', 80, 'income', false, '使用料収入', 'Fees', '売上高'),
    ('share_income', 90, 'income', false, '分担金収入', 'Shares', '売上高'),
    ('levy_income', 100, 'income', false, '賦課金収入', 'Levies', '賦課金収入'),
    ('commission_income', 110, 'income', false, '受取手数料', 'Commission', '受取手数料'),
    ('patronage_refund', 120, 'income', false, '利用分量配当', 'Patronage refund', '売上値引高'),
    ('owner_credit', 130, 'expense', false, '設備提供料', 'Owners of hosted machines', '外注費'),
    ('transfer_fee', 140, 'expense', false, '振込手数料', 'Transfer fees', '支払手数料');

REVOKE INSERT, UPDATE, DELETE ON billing.account FROM moyai_app;

GRANT UPDATE (book_name, book_tax) ON billing.account TO moyai_app;

ALTER TABLE billing.ledger_entry
    ALTER COLUMN month DROP NOT NULL,
    ALTER COLUMN statement_id DROP NOT NULL,
    ADD COLUMN source text NOT NULL DEFAULT 'statement' CONSTRAINT ledger_entry_source_known CHECK (source IN
        ('statement', 'payment', 'refund', 'payout', 'netting', 'opening', 'owner_credit', 'reversal')),
    ADD COLUMN on_day date,
    ADD COLUMN due_on date,
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN reverses uuid CONSTRAINT ledger_entry_reversed_exists REFERENCES billing.ledger_entry (id)
        CONSTRAINT ledger_entry_reversed_once UNIQUE,
    ADD COLUMN posted_by uuid CONSTRAINT ledger_entry_poster_exists REFERENCES coop.person (id);

UPDATE billing.ledger_entry SET on_day = month + interval '1 month' - interval '1 day';

ALTER TABLE billing.ledger_entry
    ALTER COLUMN on_day SET NOT NULL,
    ADD CONSTRAINT ledger_entry_of_statement CHECK
        ((source = 'statement') = (statement_id IS NOT NULL) AND (source <> 'statement' OR month IS NOT NULL)),
    ADD CONSTRAINT ledger_entry_reversal_names_entry CHECK ((source = 'reversal') = (reverses IS NOT NULL));

COMMENT ON COLUMN billing.ledger_entry.on_day IS 'the day it belongs to in the books; posted_at says when it was written';
COMMENT ON COLUMN billing.ledger_entry.due_on IS 'when what it claims is to be paid; null: at once';

CREATE INDEX ledger_entry_by_day ON billing.ledger_entry (on_day, id);

-- Whether a posting names a member is a matter of its account.
ALTER TABLE billing.ledger_posting
    DROP CONSTRAINT ledger_posting_account_known,
    DROP CONSTRAINT ledger_posting_receivable_names_member,
    ADD COLUMN of_member boolean GENERATED ALWAYS AS (member_id IS NOT NULL) STORED,
    ADD CONSTRAINT ledger_posting_account_known FOREIGN KEY (account, of_member)
        REFERENCES billing.account (id, per_member);

CREATE INDEX ledger_posting_by_member ON billing.ledger_posting (member_id, account) WHERE member_id IS NOT NULL;

-- What members paid for a month by the calculation before Moyai: past settlements, and months that run in parallel.
CREATE TABLE billing.past_amount (
    month     date NOT NULL CONSTRAINT past_amount_is_of_a_month CHECK (extract(day FROM month) = 1),
    member_id text NOT NULL CONSTRAINT past_amount_member_exists REFERENCES coop.member (id),
    total_yen bigint NOT NULL,
    PRIMARY KEY (month, member_id)
);

-- Where a member's money goes and comes from.
CREATE TABLE billing.bank_account (
    member_id      text PRIMARY KEY CONSTRAINT bank_account_member_exists REFERENCES coop.member (id),
    bank_code      text NOT NULL CONSTRAINT bank_account_bank_form CHECK (bank_code ~ '^[0-9]{4}$'),
    bank_kana      text NOT NULL,
    branch_code    text NOT NULL CONSTRAINT bank_account_branch_form CHECK (branch_code ~ '^[0-9]{3}$'),
    branch_kana    text NOT NULL,
    type           integer NOT NULL CONSTRAINT bank_account_type_known CHECK (type IN (1, 2, 4, 9)),
    number         text NOT NULL CONSTRAINT bank_account_number_form CHECK (number ~ '^[0-9]{1,7}$'),
    holder_kana    text NOT NULL,
    customer_code  text CONSTRAINT bank_account_customer_form CHECK (customer_code ~ '^[0-9]{1,20}$')
                   CONSTRAINT bank_account_customer_is_unique UNIQUE
);

COMMENT ON COLUMN billing.bank_account.customer_code IS 'by which the bank debits the member; null: no mandate';

-- The cooperative at its bank: 21 transfers, 91 direct debits.
CREATE TABLE billing.bank_service (
    kind           text PRIMARY KEY CONSTRAINT bank_service_kind_known CHECK (kind IN ('transfer', 'debit')),
    client_code    text NOT NULL CONSTRAINT bank_service_client_form CHECK (client_code ~ '^[0-9]{1,10}$'),
    client_kana    text NOT NULL,
    bank_code      text NOT NULL CONSTRAINT bank_service_bank_form CHECK (bank_code ~ '^[0-9]{4}$'),
    bank_kana      text NOT NULL,
    branch_code    text NOT NULL CONSTRAINT bank_service_branch_form CHECK (branch_code ~ '^[0-9]{3}$'),
    branch_kana    text NOT NULL,
    type           integer NOT NULL CONSTRAINT bank_service_type_known CHECK (type IN (1, 2, 9)),
    number         text NOT NULL CONSTRAINT bank_service_number_form CHECK (number ~ '^[0-9]{1,7}$'),
    line_end       text NOT NULL CONSTRAINT bank_service_line_end_known CHECK (line_end IN ('crlf', 'lf', 'none')),
    symbols        text NOT NULL
);

-- A file that the bank was given, as it was given, and what became of each of its lines.
CREATE TABLE billing.bank_file (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CONSTRAINT bank_file_service_exists REFERENCES billing.bank_service (kind),
    on_day     date NOT NULL,
    made_at    timestamptz NOT NULL,
    made_by    uuid CONSTRAINT bank_file_maker_exists REFERENCES coop.person (id),
    total_yen  bigint NOT NULL CONSTRAINT bank_file_moves_something CHECK (total_yen > 0),
    content    bytea NOT NULL,
    settled_at timestamptz,
    dropped_at timestamptz,
    CONSTRAINT bank_file_ends_one_way CHECK (num_nonnulls(settled_at, dropped_at) <= 1)
);

CREATE TABLE billing.bank_file_line (
    file_id    uuid NOT NULL CONSTRAINT bank_file_line_file_exists REFERENCES billing.bank_file (id),
    n          integer NOT NULL,
    member_id  text NOT NULL CONSTRAINT bank_file_line_member_exists REFERENCES coop.member (id),
    key        text NOT NULL,
    amount_yen bigint NOT NULL CONSTRAINT bank_file_line_moves_something CHECK (amount_yen > 0),
    result     text CONSTRAINT bank_file_line_result_known CHECK (result IN ('0', '1', '2', '3', '4', '8', '9')),
    entry_id   uuid CONSTRAINT bank_file_line_entry_exists REFERENCES billing.ledger_entry (id),
    PRIMARY KEY (file_id, n),
    CONSTRAINT bank_file_line_once_a_member UNIQUE (file_id, member_id)
);

COMMENT ON COLUMN billing.bank_file_line.key IS 'the customer number of a debit; the account of a transfer';

REVOKE UPDATE, DELETE ON billing.bank_file, billing.bank_file_line FROM moyai_app;

GRANT UPDATE (settled_at, dropped_at) ON billing.bank_file TO moyai_app;

GRANT UPDATE (result, entry_id) ON billing.bank_file_line TO moyai_app;

-- What the bank says came in; booked once a person has said whose it is.
CREATE TABLE billing.bank_receipt (
    id         uuid PRIMARY KEY,
    on_day     date NOT NULL,
    amount_yen bigint NOT NULL CONSTRAINT bank_receipt_brings_something CHECK (amount_yen > 0),
    payer_kana text NOT NULL,
    told_at    timestamptz NOT NULL,
    entry_id   uuid CONSTRAINT bank_receipt_entry_exists REFERENCES billing.ledger_entry (id)
               CONSTRAINT bank_receipt_entry_once UNIQUE,
    set_aside  text
);

COMMENT ON COLUMN billing.bank_receipt.id IS 'made from what the bank said, so that the same file again adds nothing';
COMMENT ON COLUMN billing.bank_receipt.set_aside IS 'why it is no payment of a member';

CREATE INDEX bank_receipt_by_day ON billing.bank_receipt (on_day, id);

REVOKE UPDATE, DELETE ON billing.bank_receipt FROM moyai_app;

GRANT UPDATE (entry_id, set_aside) ON billing.bank_receipt TO moyai_app;

-- Under which names a member's money has come before.
CREATE TABLE billing.payer_name (
    payer_kana text PRIMARY KEY,
    member_id  text NOT NULL CONSTRAINT payer_name_member_exists REFERENCES coop.member (id)
);
