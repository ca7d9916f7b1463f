-- inspections: Inspections, the one proposed last first; of an asset, of a person, or one of them.
SELECT i.id, i.asset_id, i.fiscal_year, i.person_id, p.name, i.reason, i.days,
       CASE WHEN i.revoked_at IS NOT NULL THEN 'revoked' WHEN i.approved_at IS NULL THEN 'proposed'
            WHEN i.expires_at > clock_timestamp() THEN 'open' ELSE 'expired' END,
       i.proposed_at, i.proposed_by, i.approved_at, i.approved_by, i.expires_at, i.revoked_at
FROM billing.inspection i JOIN coop.person p ON p.id = i.person_id
WHERE (%(id)s::uuid IS NULL OR i.id = %(id)s) AND (%(asset_id)s::uuid IS NULL OR i.asset_id = %(asset_id)s)
  AND (%(person_id)s::uuid IS NULL OR i.person_id = %(person_id)s)
ORDER BY i.proposed_at DESC, i.id

-- inspectors: Who of the ward can be let in.
SELECT p.id, p.name FROM coop.person p JOIN coop.person_role r ON r.person_id = p.id
WHERE r.role = 'ward' AND p.active
ORDER BY p.name, p.id

-- propose: Write down who may look into what.
INSERT INTO billing.inspection (id, asset_id, fiscal_year, person_id, reason, days, proposed_by, proposed_at)
VALUES (%(id)s, %(asset_id)s, %(fiscal_year)s, %(person_id)s, %(reason)s, %(days)s, %(by)s, %(now)s)

-- approve: Let it begin, by the database's clock.
UPDATE billing.inspection
SET approved_by = %(by)s, approved_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(days => days)
WHERE id = %(id)s AND approved_at IS NULL AND revoked_at IS NULL

-- revoke: Let it end.
UPDATE billing.inspection SET revoked_by = %(by)s, revoked_at = clock_timestamp() WHERE id = %(id)s AND revoked_at IS NULL

-- uses: When the machine was used in a time, and by whom.
SELECT u.started_at, u.ended_at, u.running_seconds, u.member_id, m.is_member
FROM telemetry.usage u JOIN coop.member m ON m.id = u.member_id
WHERE u.machine_id = %(machine_id)s AND u.started_at >= %(start)s AND u.started_at < %(end)s
  AND u.kind NOT IN ('waived', 'unassigned')
ORDER BY u.started_at

-- sums: What the statements of each closed month charge for the machine.
SELECT s.month, count(DISTINCT s.id), sum(l.amount_yen)::bigint
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id JOIN billing.period p ON p.month = s.month
WHERE l.machine_id = %(machine_id)s AND p.closed_at IS NOT NULL AND s.month >= %(first)s AND s.month < %(until)s
GROUP BY s.month ORDER BY s.month
