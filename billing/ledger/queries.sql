-- copy_entries: Post the entries of a month.
COPY billing.ledger_entry (id, month, posted_at, statement_id, on_day, due_on) FROM STDIN

-- copy_postings: Post the debits and credits of a month.
COPY billing.ledger_posting (entry_id, n, account, member_id, amount_yen) FROM STDIN

-- postings_of_month: All postings of a month's statements by entry.
SELECT e.id, e.statement_id, p.account, p.amount_yen, p.member_id
FROM billing.ledger_entry e JOIN billing.statement s ON s.id = e.statement_id
JOIN billing.ledger_posting p ON p.entry_id = e.id
WHERE e.month = %(month)s
ORDER BY s.member_id, e.id, p.n

-- add_entry: Post an entry that is no statement's.
INSERT INTO billing.ledger_entry (id, month, posted_at, source, on_day, due_on, note, reverses, posted_by)
VALUES (%(id)s, %(month)s, %(now)s, %(source)s, %(on_day)s, %(due_on)s, %(note)s, %(reverses)s, %(posted_by)s)

-- add_posting: Post one debit or credit.
INSERT INTO billing.ledger_posting (entry_id, n, account, member_id, amount_yen)
VALUES (%(entry_id)s, %(n)s, %(account)s, %(member_id)s, %(amount_yen)s)

-- lock_member: One at a time decides what of a member's account is paid by what.
SELECT id FROM coop.member WHERE id = %(member_id)s FOR NO KEY UPDATE

-- entry: Where an entry came from, who it concerns, and what it moved.
SELECT e.source, e.on_day, array_agg(p.account ORDER BY p.n), array_agg(p.member_id ORDER BY p.n),
       array_agg(p.amount_yen ORDER BY p.n)
FROM billing.ledger_entry e JOIN billing.ledger_posting p ON p.entry_id = e.id
WHERE e.id = %(id)s
GROUP BY e.id

-- open_items: What is owed and not paid, what is due first coming first. An entry and its reversal are as if not made.
WITH standing AS (
    SELECT e.id, e.source, e.month, e.statement_id, e.on_day, p.account, p.member_id, p.amount_yen,
           coalesce(d.due_on, e.due_on, e.on_day) AS due_on
    FROM billing.ledger_posting p JOIN billing.ledger_entry e ON e.id = p.entry_id
    LEFT JOIN LATERAL (
        SELECT max(due_on) AS due_on FROM billing.document WHERE statement_id = e.statement_id AND kind = 'invoice') d ON true
    WHERE p.account IN ('receivable', 'levy_receivable')
      AND (%(member_id)s::text IS NULL OR p.member_id = %(member_id)s)
      AND e.reverses IS NULL AND NOT EXISTS (SELECT FROM billing.ledger_entry r WHERE r.reverses = e.id)
), paid AS (
    SELECT member_id, account, -sum(amount_yen) AS yen FROM standing WHERE amount_yen < 0 GROUP BY member_id, account
), owed AS (
    SELECT *, sum(amount_yen) OVER (PARTITION BY member_id, account ORDER BY due_on, on_day, id) AS until_yen
    FROM standing WHERE amount_yen > 0
)
SELECT id, source, month, statement_id, member_id, account, on_day, due_on, amount_yen,
       least(amount_yen, until_yen - coalesce(yen, 0))::bigint
FROM owed LEFT JOIN paid USING (member_id, account)
WHERE until_yen > coalesce(yen, 0)
  AND (%(after_due)s::date IS NULL
       OR (due_on, member_id, id, account) > (%(after_due)s, %(after_member)s::text, %(after_id)s::uuid, %(after_account)s::text))
ORDER BY due_on, member_id, id, account
LIMIT %(limit)s

-- balances: What stands on the accounts of members.
SELECT member_id, account, sum(amount_yen)::bigint FROM billing.ledger_posting
WHERE member_id IS NOT NULL AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
GROUP BY member_id, account
ORDER BY member_id, account

-- movements: The entries of a member's account, newest first.
SELECT e.id, e.source, e.month, e.statement_id, e.on_day, e.due_on, e.note, e.reverses, r.id,
       jsonb_object_agg(p.account, p.amount_yen)
FROM billing.ledger_entry e
JOIN (SELECT entry_id, account, sum(amount_yen)::bigint AS amount_yen FROM billing.ledger_posting
      WHERE member_id = %(member_id)s GROUP BY entry_id, account) p ON p.entry_id = e.id
LEFT JOIN billing.ledger_entry r ON r.reverses = e.id
WHERE %(after_day)s::date IS NULL OR (e.on_day, e.id) < (%(after_day)s, %(after_id)s::uuid)
GROUP BY e.id, r.id
ORDER BY e.on_day DESC, e.id DESC
LIMIT %(limit)s

-- totals: Each account's debits and credits in `[since, until)` and its balance before `until`.
SELECT a.id, a.name_ja, a.name_en,
       coalesce(sum(p.amount_yen) FILTER (WHERE p.amount_yen > 0 AND e.on_day >= %(since)s), 0)::bigint,
       coalesce(-sum(p.amount_yen) FILTER (WHERE p.amount_yen < 0 AND e.on_day >= %(since)s), 0)::bigint,
       coalesce(sum(p.amount_yen) FILTER (WHERE e.id IS NOT NULL), 0)::bigint
FROM billing.account a LEFT JOIN billing.ledger_posting p ON p.account = a.id
LEFT JOIN billing.ledger_entry e ON e.id = p.entry_id AND e.on_day < %(until)s
GROUP BY a.id
ORDER BY a.n

-- journal: The postings of `[since, until)` with what a bookkeeping package calls their accounts.
SELECT e.id, e.on_day, e.source, e.month, e.note, a.id, a.book_name, a.book_tax, m.name, p.amount_yen
FROM billing.ledger_entry e JOIN billing.ledger_posting p ON p.entry_id = e.id
JOIN billing.account a ON a.id = p.account LEFT JOIN coop.member m ON m.id = p.member_id
WHERE e.on_day >= %(since)s AND e.on_day < %(until)s
ORDER BY e.on_day, e.id, p.n

-- accounts: The chart of accounts.
SELECT id, kind, per_member, name_ja, name_en, book_name, book_tax FROM billing.account ORDER BY n

-- name_account: Say what a bookkeeping package calls an account.
UPDATE billing.account SET book_name = %(book_name)s, book_tax = %(book_tax)s WHERE id = %(id)s
RETURNING id, kind, per_member, name_ja, name_en, book_name, book_tax

-- past_amount: What a member paid for a month by the calculation before.
SELECT total_yen FROM billing.past_amount WHERE month = %(month)s AND member_id = %(member_id)s

-- put_past_amount: Say what a member paid for a month by the calculation before.
INSERT INTO billing.past_amount (month, member_id, total_yen) VALUES (%(month)s, %(member_id)s, %(total_yen)s)
ON CONFLICT (month, member_id) DO UPDATE SET total_yen = excluded.total_yen

-- beside: What members pay for a month by the calculation before and by ours.
SELECT member_id, p.total_yen, s.total_yen
FROM (SELECT member_id, total_yen FROM billing.past_amount WHERE month = %(month)s) p
FULL JOIN (SELECT member_id, total_yen FROM billing.statement WHERE month = %(month)s) s USING (member_id)
ORDER BY member_id
