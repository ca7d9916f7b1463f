-- add_tariff: Enter a version of a machine's usage fee.
INSERT INTO billing.tariff (id, machine_id, valid, basis, yen_per_hour, increment_seconds, resolution, tax)
VALUES (%(id)s, %(machine_id)s, daterange(%(valid_from)s, %(valid_until)s), %(basis)s, %(yen_per_hour)s,
        %(increment_seconds)s, %(resolution)s, %(tax)s)

-- end_tariff: Let the open-ended version of a machine end where the next one begins.
UPDATE billing.tariff SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND upper_inf(valid) AND lower(valid) < %(valid_from)s

-- tariffs: All versions by machine and time, or those of one machine, from a place in the list on.
SELECT id, machine_id, lower(valid), basis, yen_per_hour, increment_seconds, upper(valid), resolution, tax
FROM billing.tariff
WHERE (%(machine_id)s::text IS NULL OR machine_id = %(machine_id)s)
  AND (%(after_machine)s::text IS NULL
       OR (machine_id, lower(valid)) > (%(after_machine)s, %(after_from)s::date))
ORDER BY machine_id, lower(valid)
LIMIT %(limit)s
