-- person: The name and address of whoever is signed in.
SELECT p.name, p.email FROM coop.person p WHERE p.id = %(person_id)s

-- hours_of_people: What each person of a member had booked and used on each machine in a time; who is not known is null.
SELECT person_id, machine_id, sum(booked)::bigint, sum(occupied)::bigint, sum(running)::bigint
FROM (
    SELECT r.person_id, coalesce(r.machine_id, r.resource_id) AS machine_id,
           extract(epoch FROM least(r.ends_at, %(until)s) - greatest(r.starts_at, %(from)s)) AS booked,
           0 AS occupied, 0 AS running
    FROM booking.reservation r
    WHERE r.member_id = %(member_id)s AND r.status IN ('confirmed', 'in_use', 'done')
      AND r.starts_at < %(until)s AND r.ends_at > %(from)s
    UNION ALL
    SELECT coalesce(u.person_id, r.person_id), u.machine_id, 0,
           extract(epoch FROM u.ended_at - u.started_at), u.running_seconds
    FROM telemetry.usage u LEFT JOIN booking.reservation r ON r.id = u.reservation_id AND r.member_id = u.member_id
    WHERE u.member_id = %(member_id)s AND u.started_at >= %(from)s AND u.started_at < %(until)s
) AS had
GROUP BY person_id, machine_id
ORDER BY person_id, machine_id

-- months_of_member: What the closed months from one on cost a member: fees, shares of costs, the rest, and the total with tax.
SELECT to_char(s.month, 'YYYY-MM'), s.id,
       coalesce(sum(l.amount_yen) FILTER (WHERE l.kind NOT IN ('share', 'adjustment')), 0)::bigint,
       coalesce(sum(l.amount_yen) FILTER (WHERE l.kind = 'share'), 0)::bigint,
       coalesce(sum(l.amount_yen) FILTER (WHERE l.kind = 'adjustment'), 0)::bigint,
       s.total_yen
FROM billing.statement s
JOIN billing.period p ON p.month = s.month AND p.status = 'closed'
LEFT JOIN billing.line l ON l.statement_id = s.id
WHERE s.member_id = %(member_id)s AND s.month >= %(from)s
GROUP BY s.id
ORDER BY s.month DESC
LIMIT 12
