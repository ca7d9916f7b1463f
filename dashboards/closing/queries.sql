-- totals: How many statements each month has, and what they come to.
SELECT to_char(month, 'YYYY-MM'), count(*), sum(total_yen)::bigint FROM billing.statement GROUP BY month

-- directors: Who may approve.
SELECT p.id, p.name FROM coop.person p JOIN coop.person_role r ON r.person_id = p.id AND r.role = 'director'
WHERE p.active
ORDER BY p.name, p.id

-- names: What people are called.
SELECT id, name FROM coop.person WHERE id = ANY (%(ids)s)

-- mailed: How many documents of a month there are, and how many of them somebody got by mail.
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM billing.document_mailed m WHERE m.document_id = d.id))
FROM billing.document d WHERE d.month = %(month)s

-- heard: The machines for which a device spoke in a time.
SELECT DISTINCT machine_id FROM telemetry.binding WHERE bound && tstzrange(%(start)s, %(end)s)
