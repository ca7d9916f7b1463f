-- open_dispute: A line is questioned for the first time.
INSERT INTO billing.dispute (id, statement_id, n, month, member_id, opened_at)
VALUES (%(id)s, %(statement_id)s, %(n)s, %(month)s, %(member_id)s, %(now)s)
ON CONFLICT ON CONSTRAINT dispute_once_a_line DO NOTHING

-- dispute_of_line: What a line was questioned as.
SELECT id FROM billing.dispute WHERE statement_id = %(statement_id)s AND n = %(n)s

-- lock_dispute: One step at a time.
SELECT pg_advisory_xact_lock(hashtextextended(%(dispute_id)s::text, 7269113))

-- disputes: Disputes, newest first, from a place in the list on; of one id, one member, or with an answer due.
SELECT d.id, d.statement_id, d.n, to_char(d.month, 'YYYY-MM'), d.member_id, d.opened_at,
       (SELECT coalesce(json_agg(json_build_object(
                   'n', s.n, 'action', s.action, 'words', s.words, 'taken_at', s.taken_at, 'taken_by', s.taken_by,
                   'reason', s.reason, 'amount_yen', s.amount_yen, 'adjustment_id', s.adjustment_id) ORDER BY s.n), '[]')
        FROM billing.dispute_step s WHERE s.dispute_id = d.id)
FROM billing.dispute d
WHERE (%(id)s::uuid IS NULL OR d.id = %(id)s)
  AND (%(member_id)s::text IS NULL OR d.member_id = %(member_id)s)
  AND (%(after_opened)s::timestamptz IS NULL OR (d.opened_at, d.id) < (%(after_opened)s, %(after_id)s::uuid))
ORDER BY d.opened_at DESC, d.id DESC
LIMIT %(limit)s

-- add_step: What was said or done about a dispute.
INSERT INTO billing.dispute_step (dispute_id, n, action, words, taken_at, taken_by, reason, amount_yen, adjustment_id)
VALUES (%(dispute_id)s, %(n)s, %(action)s, %(words)s, %(now)s, %(taken_by)s, %(reason)s, %(amount_yen)s,
        %(adjustment_id)s)

-- adjusted_before: What adjustments moved of a line so far.
SELECT coalesce(sum(amount_yen), 0)::bigint FROM billing.adjustment
WHERE source_month = %(month)s AND member_id = %(member_id)s AND source_n = %(n)s
