-- service: The cooperative as its bank knows it for one service.
SELECT client_code, client_kana, bank_code, bank_kana, branch_code, branch_kana, type, number, line_end, symbols
FROM billing.bank_service WHERE kind = %(kind)s

-- put_service: Say how the bank knows the cooperative for one service, and how it wants its files.
INSERT INTO billing.bank_service (kind, client_code, client_kana, bank_code, bank_kana, branch_code, branch_kana, type,
    number, line_end, symbols)
VALUES (%(kind)s, %(client_code)s, %(client_kana)s, %(bank_code)s, %(bank_kana)s, %(branch_code)s, %(branch_kana)s,
    %(type)s, %(number)s, %(line_end)s, %(symbols)s)
ON CONFLICT (kind) DO UPDATE SET client_code = excluded.client_code, client_kana = excluded.client_kana,
    bank_code = excluded.bank_code, bank_kana = excluded.bank_kana, branch_code = excluded.branch_code,
    branch_kana = excluded.branch_kana, type = excluded.type, number = excluded.number,
    line_end = excluded.line_end, symbols = excluded.symbols

-- accounts: The bank accounts of members, or of one.
SELECT member_id, bank_code, bank_kana, branch_code, branch_kana, type, number, holder_kana, customer_code
FROM billing.bank_account WHERE %(member_id)s::text IS NULL OR member_id = %(member_id)s
ORDER BY member_id

-- put_account: Say where a member's money goes and comes from.
INSERT INTO billing.bank_account (member_id, bank_code, bank_kana, branch_code, branch_kana, type, number, holder_kana,
    customer_code)
VALUES (%(member_id)s, %(bank_code)s, %(bank_kana)s, %(branch_code)s, %(branch_kana)s, %(type)s, %(number)s,
    %(holder_kana)s, %(customer_code)s)
ON CONFLICT (member_id) DO UPDATE SET bank_code = excluded.bank_code, bank_kana = excluded.bank_kana,
    branch_code = excluded.branch_code, branch_kana = excluded.branch_kana, type = excluded.type,
    number = excluded.number, holder_kana = excluded.holder_kana, customer_code = excluded.customer_code

-- lock_files: One file at a time is made, so that nobody is in two.
SELECT pg_advisory_xact_lock(7269124)

-- under_way: Members whom a file of this kind names that the bank has not answered yet.
SELECT l.member_id FROM billing.bank_file f JOIN billing.bank_file_line l ON l.file_id = f.id
WHERE f.kind = %(kind)s AND f.settled_at IS NULL AND f.dropped_at IS NULL

-- add_file: Keep a file as the bank gets it.
INSERT INTO billing.bank_file (id, kind, on_day, made_at, made_by, total_yen, content)
VALUES (%(id)s, %(kind)s, %(on_day)s, %(now)s, %(made_by)s, %(total_yen)s, %(content)s)

-- add_file_line: Keep one line of a file.
INSERT INTO billing.bank_file_line (file_id, n, member_id, key, amount_yen)
VALUES (%(file_id)s, %(n)s, %(member_id)s, %(key)s, %(amount_yen)s)

-- files: Files for the bank, newest first, or one of them.
SELECT f.id, f.kind, f.on_day, f.made_at, f.total_yen, f.settled_at, f.dropped_at,
       (SELECT count(*) FROM billing.bank_file_line l WHERE l.file_id = f.id)
FROM billing.bank_file f
WHERE (%(id)s::uuid IS NULL OR f.id = %(id)s)
  AND (%(after_made)s::timestamptz IS NULL OR (f.made_at, f.id) < (%(after_made)s, %(after_id)s::uuid))
ORDER BY f.made_at DESC, f.id DESC
LIMIT %(limit)s

-- lock_file: Take a file for this transaction.
SELECT id FROM billing.bank_file WHERE id = %(id)s FOR UPDATE

-- file_content: The bytes of a file.
SELECT content FROM billing.bank_file WHERE id = %(id)s

-- file_lines: The lines of a file with what became of each.
SELECT n, member_id, key, amount_yen, result, entry_id FROM billing.bank_file_line WHERE file_id = %(id)s ORDER BY n

-- settle_line: Say what became of a line.
UPDATE billing.bank_file_line SET result = %(result)s, entry_id = %(entry_id)s WHERE file_id = %(id)s AND n = %(n)s

-- settle_file: The bank has answered.
UPDATE billing.bank_file SET settled_at = %(now)s WHERE id = %(id)s

-- drop_file: The file never went to the bank.
UPDATE billing.bank_file SET dropped_at = %(now)s WHERE id = %(id)s

-- add_receipt: Keep what the bank says came in; nothing, if it said so before.
INSERT INTO billing.bank_receipt (id, on_day, amount_yen, payer_kana, told_at)
VALUES (%(id)s, %(on_day)s, %(amount_yen)s, %(payer_kana)s, %(now)s)
ON CONFLICT (id) DO NOTHING

-- receipts: What came in and nobody has said whose it is, oldest first; booked by mistake and taken back counts again.
SELECT r.id, r.on_day, r.amount_yen, r.payer_kana
FROM billing.bank_receipt r
WHERE r.set_aside IS NULL
  AND (r.entry_id IS NULL OR EXISTS (SELECT FROM billing.ledger_entry e WHERE e.reverses = r.entry_id))
  AND (%(id)s::uuid IS NULL OR r.id = %(id)s)
  AND (%(after_day)s::date IS NULL OR (r.on_day, r.id) > (%(after_day)s, %(after_id)s::uuid))
ORDER BY r.on_day, r.id
LIMIT %(limit)s

-- lock_receipt: Take a receipt for this transaction.
SELECT id FROM billing.bank_receipt WHERE id = %(id)s FOR UPDATE

-- book_receipt: Say which payment a receipt is.
UPDATE billing.bank_receipt SET entry_id = %(entry_id)s WHERE id = %(id)s

-- set_receipt_aside: Say why a receipt is no member's payment.
UPDATE billing.bank_receipt SET set_aside = %(reason)s WHERE id = %(id)s

-- payer_names: Names under which members' money may come: the register's, the account holder's, and those learned.
SELECT id, kana FROM coop.member WHERE kana <> ''
UNION ALL SELECT member_id, holder_kana FROM billing.bank_account
UNION ALL SELECT member_id, payer_kana FROM billing.payer_name

-- learn_payer: Remember under which name a member's money came.
INSERT INTO billing.payer_name (payer_kana, member_id) VALUES (%(payer_kana)s, %(member_id)s)
ON CONFLICT (payer_kana) DO UPDATE SET member_id = excluded.member_id
