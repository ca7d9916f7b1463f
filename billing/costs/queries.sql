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
