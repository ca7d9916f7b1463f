-- add_pool: Enter a cost pool.
INSERT INTO billing.cost_pool (id, kind, allocation, name_ja, name_en, resolution, tax)
VALUES (%(id)s, %(kind)s, %(allocation)s, %(name_ja)s, %(name_en)s, %(resolution)s, %(tax)s)

-- add_pool_machine: Let a machine belong to a pool.
INSERT INTO billing.cost_pool_machine (pool_id, kind, machine_id) VALUES (%(pool_id)s, %(kind)s, %(machine_id)s)

-- add_cost: Enter what a pool cost in a month.
INSERT INTO billing.cost (id, month, pool_id, kind, note, amount_yen)
VALUES (%(id)s, %(month)s, %(pool_id)s, %(kind)s, %(note)s, %(amount_yen)s)
