-- nonmember_rule: How non-members' use is measured.
SELECT measure, fiscal_first_month, warn_percent, limit_percent FROM billing.nonmember_rule

-- set_nonmember_rule: Measure it so from now on.
UPDATE billing.nonmember_rule SET measure = %(measure)s, fiscal_first_month = %(fiscal_first_month)s,
       warn_percent = %(warn_percent)s, limit_percent = %(limit_percent)s

-- seconds_used: Occupied seconds of members and of non-members in a time; what somebody waived counts for nobody.
SELECT coalesce(sum(extract(epoch FROM u.ended_at - u.started_at)) FILTER (WHERE m.is_member), 0)::bigint,
       coalesce(sum(extract(epoch FROM u.ended_at - u.started_at)) FILTER (WHERE NOT m.is_member), 0)::bigint
FROM telemetry.usage u JOIN coop.member m ON m.id = u.member_id
WHERE u.started_at >= %(start)s AND u.started_at < %(end)s AND u.kind NOT IN ('waived', 'unassigned')

-- yen_used: What members and non-members were charged for use, with what was adjusted of it, in drafted and closed months.
SELECT coalesce(sum(l.amount_yen) FILTER (WHERE m.is_member), 0)::bigint,
       coalesce(sum(l.amount_yen) FILTER (WHERE NOT m.is_member), 0)::bigint
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id JOIN coop.member m ON m.id = s.member_id
WHERE (l.kind = 'fee' OR l.kind = 'adjustment' AND l.explanation ->> 'source_kind' = 'fee')
  AND s.month >= %(first)s AND s.month < %(until)s

-- used_by_member: What each member (not non-members) paid for use in closed months, with what was adjusted, at each rate.
SELECT s.member_id, l.tax_rate, sum(l.amount_yen)::bigint
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id JOIN coop.member m ON m.id = s.member_id
     JOIN billing.period p ON p.month = s.month
WHERE (l.kind = 'fee' OR l.kind = 'adjustment' AND l.explanation ->> 'source_kind' = 'fee') AND m.is_member
  AND p.closed_at IS NOT NULL AND s.month >= %(first)s AND s.month < %(until)s
GROUP BY s.member_id, l.tax_rate ORDER BY s.member_id, l.tax_rate

-- months_closed: How many months of a time are closed.
SELECT count(*) FROM billing.period WHERE closed_at IS NOT NULL AND month >= %(first)s AND month < %(until)s

-- add_refund: Keep what the assembly resolved.
INSERT INTO billing.refund (fiscal_year, amount_yen, resolution, entered_by, entered_at)
VALUES (%(fiscal_year)s, %(amount_yen)s, %(resolution)s, %(entered_by)s, %(now)s)

-- add_refund_share: And each member's part of it.
INSERT INTO billing.refund_share (fiscal_year, member_id, tax_rate, used_yen, amount_yen)
VALUES (%(fiscal_year)s, %(member_id)s, %(tax_rate)s, %(used_yen)s, %(amount_yen)s)

-- refund: What was resolved for a year, and on which day it was booked.
SELECT r.fiscal_year, r.amount_yen, r.resolution, b.on_day
FROM billing.refund r LEFT JOIN billing.refund_booked b USING (fiscal_year)
WHERE r.fiscal_year = %(fiscal_year)s

-- lock_refund: One at a time resolves or books the refund of a year.
SELECT pg_advisory_xact_lock(hashtextextended('billing.refund', %(fiscal_year)s))

-- mark_booked: The ledger has the refund of a year.
INSERT INTO billing.refund_booked (fiscal_year, on_day, booked_by, booked_at)
VALUES (%(fiscal_year)s, %(on_day)s, %(booked_by)s, %(now)s)

-- undocumented: Who has a part of a refund and no document of it yet.
SELECT DISTINCT r.member_id FROM billing.refund_share r
WHERE r.fiscal_year = %(fiscal_year)s AND r.amount_yen > 0
  AND NOT EXISTS (SELECT FROM billing.document d WHERE d.refund_year = r.fiscal_year AND d.member_id = r.member_id)
ORDER BY r.member_id

-- refund_shares: Each member's part of it.
SELECT member_id, tax_rate, used_yen, amount_yen FROM billing.refund_share
WHERE fiscal_year = %(fiscal_year)s ORDER BY member_id, tax_rate
