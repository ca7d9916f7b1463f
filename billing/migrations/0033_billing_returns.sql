-- What an invoice charged and is returned (適格返還) is owed no more: the ledger says so on an account of its own.

INSERT INTO billing.account (id, n, kind, per_member, name_ja, name_en, book_name) VALUES
    ('sales_return', 125, 'income', false, '売上値引', 'Returns', '売上値引高');

ALTER TABLE billing.ledger_entry
    DROP CONSTRAINT ledger_entry_source_known,
    ADD CONSTRAINT ledger_entry_source_known CHECK (source IN
        ('statement', 'payment', 'refund', 'payout', 'netting', 'opening', 'owner_credit', 'reversal', 'patronage_refund',
         'return'));
