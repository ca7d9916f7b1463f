-- copy_entries: Post the entries of a month.
COPY billing.ledger_entry (id, month, posted_at, statement_id) FROM STDIN

-- copy_postings: Post the debits and credits of a month.
COPY billing.ledger_posting (entry_id, n, account, member_id, amount_yen) FROM STDIN

-- postings_of_month: All postings of a month by entry.
SELECT e.id, e.statement_id, p.account, p.amount_yen, p.member_id
FROM billing.ledger_entry e JOIN billing.statement s ON s.id = e.statement_id
JOIN billing.ledger_posting p ON p.entry_id = e.id
WHERE e.month = %(month)s
ORDER BY s.member_id, e.id, p.n
