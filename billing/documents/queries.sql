-- issuer: What documents say of the cooperative now: what was entered last, or what the register knows.
SELECT name, address, contact, invoice_number, pay_to, due_months, due_day, due_shift, fiscal_year_starts
FROM billing.issuer ORDER BY id DESC LIMIT 1

-- add_issuer: What documents say of the cooperative from now on.
INSERT INTO billing.issuer (entered_at, name, address, contact, invoice_number, pay_to, due_months, due_day, due_shift,
                            fiscal_year_starts)
VALUES (%(now)s, %(name)s, %(address)s, %(contact)s, %(invoice_number)s, %(pay_to)s, %(due_months)s, %(due_day)s,
        %(due_shift)s, %(fiscal_year_starts)s)

-- recipient: What documents say of a member now: what was entered last, or what the register knows.
SELECT m.id, coalesce(r.name, m.name), coalesce(r.address, m.address),
       CASE WHEN r.id IS NULL THEN m.invoice_number ELSE r.invoice_number END,
       coalesce(r.english, false), coalesce(r.part_names, false)
FROM coop.member m
LEFT JOIN LATERAL (SELECT id, name, address, invoice_number, english, part_names FROM billing.recipient
                   WHERE member_id = m.id ORDER BY id DESC LIMIT 1) r ON true
WHERE m.id = %(member_id)s

-- add_recipient: What documents say of a member from now on.
INSERT INTO billing.recipient (entered_at, member_id, name, address, invoice_number, english, part_names)
VALUES (%(now)s, %(member_id)s, %(name)s, %(address)s, %(invoice_number)s, %(english)s, %(part_names)s)

-- next_serial: The next number of a fiscal year; whoever comes later waits until this transaction has ended.
INSERT INTO billing.document_counter (fiscal_year, last) VALUES (%(fiscal_year)s, 1)
ON CONFLICT (fiscal_year) DO UPDATE SET last = document_counter.last + 1
RETURNING last

-- ask_issue: A month's documents are wanted; who asks again changes nothing.
INSERT INTO billing.issue (month, requested_at, requested_by, issued_on)
VALUES (%(month)s, %(now)s, %(requested_by)s, %(issued_on)s)
ON CONFLICT DO NOTHING
RETURNING month

-- issue: The issue of a month.
SELECT issued_on, requested_by FROM billing.issue WHERE month = %(month)s

-- lock_issue: One process at a time issues the documents of a month.
SELECT pg_advisory_xact_lock(hashtextextended('billing.issue ' || %(month)s::date, 0))

-- wanted: What a month must be sent, and which of it is there: an invoice for each statement, a purchase for each owner.
SELECT w.kind, w.member_id, w.statement_id, d.id
FROM (SELECT 'invoice' AS kind, member_id, id AS statement_id FROM billing.statement WHERE month = %(month)s
      UNION ALL
      SELECT DISTINCT 'purchase', member_id, NULL::uuid FROM billing.owner_credit WHERE month = %(month)s) AS w
LEFT JOIN billing.document d ON d.month = %(month)s AND d.member_id = w.member_id AND d.kind = w.kind
    AND d.supersedes IS NULL
ORDER BY w.kind, w.member_id

-- mark_issued: All documents of a month are there.
INSERT INTO billing.period_step (month, step, taken_at, taken_by) VALUES (%(month)s, 'issued', %(now)s, %(taken_by)s)
ON CONFLICT DO NOTHING

-- owner_credits: What a member is paid for its own machines that others used in a month.
SELECT m.name_ja, m.name_en, c.fee_yen, c.commission_percent, c.amount_yen, c.tax_rate
FROM billing.owner_credit c JOIN coop.machine m ON m.id = c.machine_id
WHERE c.month = %(month)s AND c.member_id = %(member_id)s
ORDER BY c.machine_id

-- part_names: What was measured in each of these reservations, as its person called it.
SELECT id::text, purpose FROM booking.reservation WHERE id = ANY(%(reservation_ids)s::uuid[]) AND purpose <> ''

-- add_document: Enter a document into the register.
INSERT INTO billing.document (id, kind, qualified, fiscal_year, serial, month, statement_id, member_id, counterparty,
                              issued_on, issued_at, issued_by, due_on, net_yen, tax_yen, total_yen, taxes, reason,
                              supersedes, returns, refund_year)
VALUES (%(id)s, %(kind)s, %(qualified)s, %(fiscal_year)s, %(serial)s, %(month)s, %(statement_id)s, %(member_id)s,
        %(counterparty)s, %(issued_on)s, %(issued_at)s, %(issued_by)s, %(due_on)s, %(net_yen)s, %(tax_yen)s,
        %(total_yen)s, %(taxes)s, %(reason)s, %(supersedes)s, %(returns)s, %(refund_year)s)

-- keep_print: Keep the bytes that are sent.
INSERT INTO billing.document_print (document_id, locale, pdf, sha256) VALUES (%(id)s, %(locale)s, %(pdf)s, %(sha256)s)

-- documents: The register, last number first, from a place in it on: by date, amount, counterparty and kind in any combination.
SELECT d.id, d.kind, d.qualified, d.fiscal_year, d.serial, d.month, d.statement_id, d.member_id, d.counterparty,
       d.issued_on, d.issued_at, d.due_on, d.net_yen, d.tax_yen, d.total_yen, d.taxes, d.reason, d.supersedes, d.returns,
       d.refund_year,
       (SELECT n.id FROM billing.document n WHERE n.supersedes = d.id),
       (SELECT array_agg(p.locale ORDER BY p.locale DESC) FROM billing.document_print p WHERE p.document_id = d.id)
FROM billing.document d
WHERE (%(id)s::uuid IS NULL OR d.id = %(id)s)
  AND (%(own)s::text IS NULL OR d.member_id = %(own)s)
  AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
  AND (%(month)s::date IS NULL OR d.month = %(month)s)
  AND (%(from_date)s::date IS NULL OR d.issued_on >= %(from_date)s)
  AND (%(until_date)s::date IS NULL OR d.issued_on <= %(until_date)s)
  AND (%(from_yen)s::bigint IS NULL OR d.total_yen >= %(from_yen)s)
  AND (%(until_yen)s::bigint IS NULL OR d.total_yen <= %(until_yen)s)
  AND (%(counterparty)s::text IS NULL OR d.member_id = %(counterparty)s
       OR strpos(lower(normalize(d.counterparty, NFKC)), lower(normalize(%(counterparty)s, NFKC))) > 0)
  AND (%(after_year)s::integer IS NULL OR (d.fiscal_year, d.serial) < (%(after_year)s, %(after_serial)s::integer))
ORDER BY d.fiscal_year DESC, d.serial DESC
LIMIT %(limit)s

-- document_of_statement: The invoice of a statement that is in force.
SELECT d.id FROM billing.document d
WHERE d.statement_id = %(statement_id)s AND d.kind = 'invoice'
  AND NOT EXISTS (SELECT FROM billing.document n WHERE n.supersedes = d.id)

-- returned: What was returned from an invoice so far, at each rate.
SELECT t.tax ->> 'rate', sum((t.tax ->> 'net_yen')::bigint)::bigint
FROM billing.document d CROSS JOIN LATERAL jsonb_array_elements(d.taxes) AS t (tax)
WHERE d.returns = %(id)s AND NOT EXISTS (SELECT FROM billing.document n WHERE n.supersedes = d.id)
GROUP BY 1

-- lock_document: One correction or return of a document at a time.
SELECT pg_advisory_xact_lock(hashtextextended('billing.document ' || %(id)s::uuid, 0))

-- kept: The bytes of a document in a language.
SELECT pdf, sha256 FROM billing.document_print WHERE document_id = %(id)s AND locale = %(locale)s

-- readers: Who of a member gets its documents: its managers, or everybody where there is none.
SELECT p.id, p.name, p.email, p.locale, EXISTS (SELECT FROM coop.person_role r
                                                WHERE r.person_id = p.id AND r.role = 'member_manager') AS manages
FROM coop.person p
WHERE p.member_id = %(member_id)s AND p.active AND p.email <> ''
ORDER BY p.id

-- mailed: Whether a person got a document.
SELECT true FROM billing.document_mailed WHERE document_id = %(document_id)s AND person_id = %(person_id)s

-- mark_mailed: A person got a document.
INSERT INTO billing.document_mailed (document_id, person_id, mailed_at) VALUES (%(document_id)s, %(person_id)s, %(now)s)
ON CONFLICT DO NOTHING

-- mailings: Who got a document by mail, and when.
SELECT p.id, p.name, m.mailed_at
FROM billing.document_mailed m JOIN coop.person p ON p.id = m.person_id
WHERE m.document_id = %(document_id)s
ORDER BY m.mailed_at, p.id
