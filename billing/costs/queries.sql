-- add_pool: Enter a cost pool.
INSERT INTO billing.cost_pool (id, kind, name_ja, name_en) VALUES (%(id)s, %(kind)s, %(name_ja)s, %(name_en)s)

-- add_pool_rule: Let a pool be divided by a rule from a month on.
INSERT INTO billing.pool_rule (id, pool_id, month, allocation, alpha, rest_by, variable_kinds, tier_costs_yen, carry,
                               legal_form, notice_ja, notice_en, resolution, tax, entered_at)
VALUES (%(rule_id)s, %(id)s, %(month)s, %(allocation)s, %(alpha)s, %(rest_by)s, %(variable_kinds)s, %(tier_costs_yen)s,
        %(carry)s, %(legal_form)s, %(notice_ja)s, %(notice_en)s, %(resolution)s, %(tax)s, %(now)s)

-- add_pool_machine: Let a machine belong to a pool.
INSERT INTO billing.cost_pool_machine (pool_id, kind, machine_id) VALUES (%(pool_id)s, %(kind)s, %(machine_id)s)

-- add_cost: Enter what a pool cost in a month.
INSERT INTO billing.cost (id, month, pool_id, kind, note, amount_yen, machine_id, estimated)
VALUES (%(id)s, %(month)s, %(pool_id)s, %(kind)s, %(note)s, %(amount_yen)s, %(machine_id)s, %(estimated)s)

-- add_weight: Weigh a member from a month on.
INSERT INTO billing.weight (id, member_id, pool_id, measure, month, value, resolution, entered_at)
VALUES (%(id)s, %(member_id)s, %(pool_id)s, %(measure)s, %(month)s, %(value)s, %(resolution)s, %(now)s)

-- add_hosting: Let a machine be a member's own from a month on, or (member null) the cooperative's again.
INSERT INTO billing.hosting (id, machine_id, member_id, month, commission_percent, tax, resolution, entered_at)
VALUES (%(id)s, %(machine_id)s, %(member_id)s, %(month)s, %(commission_percent)s, %(tax)s, %(resolution)s, %(now)s)

-- add_recurring: Enter a cost of every month.
INSERT INTO billing.recurring_cost (id, pool_id, machine_id, kind, note, yen_per_month, estimated, month)
VALUES (%(id)s, %(pool_id)s, %(machine_id)s, %(kind)s, %(note)s, %(yen_per_month)s, %(estimated)s, %(month)s)

-- end_recurring: Let a cost of every month end.
UPDATE billing.recurring_cost SET until_month = %(month)s WHERE id = %(id)s

-- add_asset: Enter an asset that is written down.
INSERT INTO billing.asset (id, pool_id, machine_id, name_ja, name_en, acquired_on, cost_yen, subsidy_yen, method,
                           useful_life_years, fiscal_month, month)
VALUES (%(id)s, %(pool_id)s, %(machine_id)s, %(name_ja)s, %(name_en)s, %(acquired_on)s, %(cost_yen)s, %(subsidy_yen)s,
        %(method)s, %(useful_life_years)s, %(fiscal_month)s, %(month)s)

-- end_asset: Let an asset be no cost any more.
UPDATE billing.asset SET until_month = %(month)s WHERE id = %(id)s

-- last_actual: What a cost was last said to have been.
SELECT amount_yen FROM billing.cost_actual WHERE cost_id = %(cost_id)s ORDER BY month DESC, entered_at DESC LIMIT 1

-- add_actual: Enter what a cost turned out to be.
INSERT INTO billing.cost_actual (id, cost_id, of_month, pool_id, kind, note, before_yen, amount_yen, month, entered_at)
VALUES (%(id)s, %(cost_id)s, %(of_month)s, %(pool_id)s, %(kind)s, %(note)s, %(before_yen)s, %(amount_yen)s, %(month)s,
        %(now)s)

-- pools: Cost pools with their machines and the balance of their closed months.
SELECT p.id, p.kind, p.name_ja, p.name_en,
       ARRAY(SELECT machine_id FROM billing.cost_pool_machine m WHERE m.pool_id = p.id ORDER BY machine_id),
       (SELECT coalesce(sum(r.carried_yen), 0)::bigint
        FROM billing.pool_result r JOIN billing.period q ON q.month = r.month
        WHERE r.pool_id = p.id AND q.status = 'closed')
FROM billing.cost_pool p
ORDER BY p.id

-- rules: The rules of a pool, the latest month first, of a month the one entered last first.
SELECT id, month, allocation, alpha, rest_by, variable_kinds, tier_costs_yen, carry, legal_form, notice_ja, notice_en,
       resolution, tax
FROM billing.pool_rule
WHERE pool_id = %(pool_id)s
ORDER BY month DESC, entered_at DESC

-- weights: What members are weighed by, the one entered last first, from a place in the list on.
SELECT id, member_id, pool_id, measure, month, value, resolution, entered_at
FROM billing.weight
WHERE (%(member_id)s::text IS NULL OR member_id = %(member_id)s)
  AND (%(after_at)s::timestamptz IS NULL OR (entered_at, id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY entered_at DESC, id DESC
LIMIT %(limit)s

-- actuals: What costs turned out to be, the one entered last first, from a place in the list on.
SELECT id, cost_id, of_month, pool_id, kind, note, before_yen, amount_yen, month, entered_at
FROM billing.cost_actual
WHERE %(after_at)s::timestamptz IS NULL OR (entered_at, id) < (%(after_at)s, %(after_id)s::uuid)
ORDER BY entered_at DESC, id DESC
LIMIT %(limit)s

-- hostings: Which machines were whose from when on, the latest month first, of a month the one entered last first.
SELECT id, machine_id, member_id, month, commission_percent, tax, resolution
FROM billing.hosting
ORDER BY machine_id, month DESC, entered_at DESC

-- recurring: Costs of every month, the one that began last first.
SELECT id, pool_id, machine_id, kind, note, yen_per_month, estimated, month, until_month
FROM billing.recurring_cost
ORDER BY month DESC, id

-- assets: What is or was written down, the one acquired last first.
SELECT id, pool_id, machine_id, name_ja, name_en, acquired_on, cost_yen, subsidy_yen, method, useful_life_years,
       fiscal_month, month, until_month
FROM billing.asset
ORDER BY acquired_on DESC, id
