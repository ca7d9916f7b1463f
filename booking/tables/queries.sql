-- lock_members: Lock some members, and those of some people, in their order, until the transaction ends.
SELECT id FROM coop.member
WHERE id = ANY (%(member_ids)s)
   OR id IN (SELECT member_id FROM coop.person WHERE lower(email) = ANY (%(emails)s))
ORDER BY id
FOR NO KEY UPDATE

-- imported: The reservation that a row or calendar entry with this key is or became.
SELECT id FROM booking.reservation WHERE uid = %(key)s
UNION ALL
SELECT reservation_id FROM booking.imported WHERE key = %(key)s
LIMIT 1

-- add_imported: Remember which reservation a row or calendar entry became.
INSERT INTO booking.imported (key, reservation_id) VALUES (%(key)s, %(reservation_id)s)
