-- assets: Assets that somebody paid for with a machine each, the one acquired last first; or one of them.
SELECT a.id, a.pool_id, a.name_ja, a.name_en, a.acquired_on, a.cost_yen, a.method, a.useful_life_years, a.subsidy_yen,
       a.fiscal_month, a.machine_id, m.name_ja, m.name_en
FROM billing.asset a JOIN coop.machine m ON m.id = a.machine_id
WHERE (%(id)s::uuid IS NULL OR a.id = %(id)s)
  AND EXISTS (SELECT FROM billing.subsidy s WHERE s.asset_id = a.id)
ORDER BY a.acquired_on DESC, a.id

-- subsidies: Who paid for assets.
SELECT asset_id, grant_number, funder, granted_yen, restricted_until FROM billing.subsidy
WHERE %(id)s::uuid IS NULL OR asset_id = %(id)s
ORDER BY granted_yen DESC, grant_number

-- lock_asset: What is paid for an asset is decided by one at a time; its cost and machine.
SELECT cost_yen, machine_id FROM billing.asset WHERE id = %(id)s FOR NO KEY UPDATE

-- put_subsidy: Enter or correct who paid for an asset.
INSERT INTO billing.subsidy (asset_id, grant_number, funder, granted_yen, restricted_until)
VALUES (%(asset_id)s, %(grant_number)s, %(funder)s, %(granted_yen)s, %(restricted_until)s)
ON CONFLICT (asset_id, grant_number) DO UPDATE SET funder = excluded.funder, granted_yen = excluded.granted_yen,
    restricted_until = excluded.restricted_until

-- uses: When a machine was used and by whom within a time; what somebody waived or nobody had is no use.
SELECT u.started_at, u.ended_at, u.member_id FROM telemetry.usage u
WHERE u.machine_id = %(machine_id)s AND u.ended_at > %(start)s AND u.started_at < %(end)s
  AND u.kind NOT IN ('waived', 'unassigned')
ORDER BY u.started_at

-- used_by: Of each machine within a time: seconds used, and the members who used it.
SELECT u.machine_id, sum(extract(epoch FROM least(u.ended_at, %(end)s) - greatest(u.started_at, %(start)s)))::bigint,
       array_agg(DISTINCT u.member_id)
FROM telemetry.usage u
WHERE u.ended_at > %(start)s AND u.started_at < %(end)s AND u.kind NOT IN ('waived', 'unassigned')
GROUP BY u.machine_id

-- closed_months: The closed months of a time with what they were settled by.
SELECT p.month, e.content_zlib FROM billing.period p JOIN billing.period_evidence e ON e.month = p.month
WHERE e.part = 'rules' AND p.closed_at IS NOT NULL AND p.month >= %(first)s AND p.month < %(until)s
ORDER BY p.month

-- income: What a machine's use brought in each closed month, tax-exclusive, with what was adjusted of it.
SELECT s.month, sum(l.amount_yen)::bigint
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id JOIN billing.period p ON p.month = s.month
WHERE l.machine_id = %(machine_id)s AND p.closed_at IS NOT NULL AND s.month >= %(first)s AND s.month < %(until)s
GROUP BY s.month
