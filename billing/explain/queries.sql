-- uses: The lines of a month that charge a use, each by its statement and number.
SELECT s.member_id, l.n, s.id
FROM billing.line l JOIN billing.statement s ON s.id = l.statement_id
WHERE s.month = %(month)s AND l.kind = 'fee'
