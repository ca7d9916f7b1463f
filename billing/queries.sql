-- open_period: Make sure that a month has its row.
INSERT INTO billing.period (month) VALUES (%(month)s) ON CONFLICT DO NOTHING

-- lock_period: Take a month for this transaction; everybody who drafts, closes or adds costs waits here.
SELECT status FROM billing.period WHERE month = %(month)s FOR UPDATE

-- lock_chain: One close at a time, since each is chained to the one before.
SELECT pg_advisory_xact_lock(7269112)

-- last_closed: The end of the chain.
SELECT month, evidence_hash FROM billing.period WHERE status = 'closed' ORDER BY month DESC LIMIT 1

-- periods: All months that have begun to be settled, newest first, from a place in the list on; or one of them.
SELECT p.month,
       CASE WHEN p.status = 'draft' AND a.id IS NOT NULL THEN 'approved'
            ELSE coalesce((SELECT s.step FROM billing.period_step s WHERE s.month = p.month ORDER BY s.step DESC LIMIT 1),
                          p.status) END,
       p.drafted_at, p.closed_at, p.closed_by, p.code_version, p.previous_month, p.evidence_hash, p.findings, p.metered,
       p.control, p.drafted_by, p.draft_hash, a.approved_by, a.approved_at
FROM billing.period p LEFT JOIN billing.approval a ON a.month = p.month AND a.draft_hash = p.draft_hash
WHERE (%(month)s::date IS NULL OR p.month = %(month)s)
  AND (%(after_month)s::date IS NULL OR p.month < %(after_month)s)
ORDER BY p.month DESC
LIMIT %(limit)s

-- pool_results: How the pools of a month came out.
SELECT pool_id, kind, cost_yen, income_yen, charged_yen, carried_yen, brought_yen, weights, adjusted_yen
FROM billing.pool_result
WHERE month = %(month)s ORDER BY pool_id

-- clear_lines: Forget the lines of a draft.
DELETE FROM billing.line WHERE statement_id IN (SELECT id FROM billing.statement WHERE month = %(month)s)

-- clear_statements: Forget the statements of a draft.
DELETE FROM billing.statement WHERE month = %(month)s

-- clear_pool_results: Forget the pools of a draft.
DELETE FROM billing.pool_result WHERE month = %(month)s

-- clear_evidence: Forget the evidence of a draft.
DELETE FROM billing.period_evidence WHERE month = %(month)s

-- copy_statements: Write the statements of a month.
COPY billing.statement (id, month, member_id, net_yen, tax_yen, total_yen, taxes) FROM STDIN

-- copy_lines: Write the lines of a month.
COPY billing.line (statement_id, n, kind, machine_id, pool_id, starts_at, ends_at, quantity_seconds, amount_yen,
    tax_rate, explanation) FROM STDIN

-- copy_pool_results: Write how the pools of a month came out.
COPY billing.pool_result (month, pool_id, kind, cost_yen, income_yen, charged_yen, carried_yen, brought_yen, weights,
    adjusted_yen) FROM STDIN

-- owner_credits: What owners of hosted machines are owed for a month, or one of them.
SELECT member_id, machine_id, fee_yen, commission_percent, commission_yen, amount_yen, tax_rate
FROM billing.owner_credit
WHERE month = %(month)s AND (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
ORDER BY machine_id

-- copy_owner_credits: Write what owners of hosted machines are owed for a month.
COPY billing.owner_credit (month, machine_id, member_id, fee_yen, commission_percent, commission_yen, amount_yen,
    tax_rate) FROM STDIN

-- clear_owner_credits: Forget what a draft owes to owners of hosted machines.
DELETE FROM billing.owner_credit WHERE month = %(month)s

-- add_evidence: Keep one part of a month's evidence.
INSERT INTO billing.period_evidence (month, part, sha256, content_zlib)
VALUES (%(month)s, %(part)s, %(sha256)s, %(content_zlib)s)

-- evidence_parts: The parts of a month's evidence with their hashes.
SELECT part, sha256 FROM billing.period_evidence WHERE month = %(month)s ORDER BY part

-- evidence: One part of a month's evidence.
SELECT content_zlib FROM billing.period_evidence WHERE month = %(month)s AND part = %(part)s

-- evidence_of: Several parts of a month's evidence.
SELECT content_zlib FROM billing.period_evidence WHERE month = %(month)s AND part = ANY(%(parts)s) ORDER BY part

-- evidence_below: The parts of a month's evidence whose names begin alike.
SELECT content_zlib FROM billing.period_evidence WHERE month = %(month)s AND starts_with(part, %(prefix)s) ORDER BY part

-- mark_drafted: A month has been computed; what it says may still change.
UPDATE billing.period SET status = 'draft', drafted_at = %(now)s, findings = %(findings)s, metered = %(metered)s,
       control = %(control)s
WHERE month = %(month)s

-- sign_draft: Who drafted a month, and the hash of what it says; an approval is of that hash.
UPDATE billing.period SET drafted_by = %(drafted_by)s, draft_hash = %(draft_hash)s WHERE month = %(month)s

-- mark_closed: A month is final.
UPDATE billing.period SET status = 'closed', closed_at = %(now)s, closed_by = %(closed_by)s,
       code_version = %(code_version)s, previous_month = %(previous_month)s, evidence_hash = %(evidence_hash)s
WHERE month = %(month)s

-- statements: Statements, newest month first, from a place in the list on; of a month, a member, one id, or closed months.
SELECT s.id, s.month, p.status, s.member_id, s.net_yen, s.tax_yen, s.total_yen, s.taxes
FROM billing.statement s JOIN billing.period p ON p.month = s.month
WHERE (%(month)s::date IS NULL OR s.month = %(month)s)
  AND (%(id)s::uuid IS NULL OR s.id = %(id)s)
  AND (%(member_id)s::text IS NULL OR s.member_id = %(member_id)s)
  AND (p.status = 'closed' OR NOT %(closed_only)s)
  AND (%(after_month)s::date IS NULL OR s.month < %(after_month)s
       OR (s.month = %(after_month)s AND s.member_id > %(after_member)s::text))
ORDER BY s.month DESC, s.member_id
LIMIT %(limit)s

-- lines: The lines of one statement, or one of them.
SELECT n, kind, machine_id, pool_id, starts_at, ends_at, quantity_seconds, amount_yen, tax_rate, explanation
FROM billing.line
WHERE statement_id = %(statement_id)s AND (%(n)s::integer IS NULL OR n = %(n)s)
ORDER BY n

-- lines_of: The lines of a month that are of the use of one machine, or (null) of none, by member.
SELECT s.member_id, l.n, l.kind, l.machine_id, l.pool_id, l.starts_at, l.ends_at, l.quantity_seconds, l.amount_yen,
       l.tax_rate, l.explanation
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id
WHERE s.month = %(month)s
  AND CASE WHEN l.kind = 'adjustment' THEN NULL ELSE l.machine_id END IS NOT DISTINCT FROM %(machine_id)s
ORDER BY s.member_id, l.n

-- count_lines: How many lines the statements of a month have.
SELECT count(*) FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id WHERE s.month = %(month)s
