-- add_tariff: Enter a version of a machine's usage fee.
INSERT INTO billing.tariff (id, machine_id, valid, basis, yen_per_hour, increment_seconds, resolution, tax, service,
    cap_yen_per_hour, minimum_seconds, setup_yen, idle_yen_per_hour, overrun_yen_per_hour, nonmember_yen_per_hour,
    operator_yen_per_hour, windows, no_show_percent, no_show_tax, late_cancel_percent, late_cancel_tax)
VALUES (%(id)s, %(machine_id)s, daterange(%(valid_from)s, %(valid_until)s), %(basis)s, %(yen_per_hour)s,
        %(increment_seconds)s, %(resolution)s, %(tax)s, %(service)s, %(cap_yen_per_hour)s, %(minimum_seconds)s,
        %(setup_yen)s, %(idle_yen_per_hour)s, %(overrun_yen_per_hour)s, %(nonmember_yen_per_hour)s,
        %(operator_yen_per_hour)s, %(windows)s, %(no_show_percent)s, %(no_show_tax)s, %(late_cancel_percent)s,
        %(late_cancel_tax)s)

-- end_tariff: Let the open-ended version of a machine's service end where the next one begins.
UPDATE billing.tariff SET valid = daterange(lower(valid), %(valid_from)s)
WHERE machine_id = %(machine_id)s AND service IS NOT DISTINCT FROM %(service)s AND upper_inf(valid) AND lower(valid) < %(valid_from)s

-- tariffs: All versions by machine, time and service, or those of a machine or of a day, from a place in the list on.
SELECT id, machine_id, lower(valid), basis, yen_per_hour, increment_seconds, upper(valid), resolution, tax, service,
       cap_yen_per_hour, minimum_seconds, setup_yen, idle_yen_per_hour, overrun_yen_per_hour, nonmember_yen_per_hour,
       operator_yen_per_hour, windows, no_show_percent, no_show_tax, late_cancel_percent, late_cancel_tax
FROM billing.tariff
WHERE (%(machine_id)s::text IS NULL OR machine_id = %(machine_id)s)
  AND (%(on)s::date IS NULL OR valid @> %(on)s::date)
  AND (%(after_machine)s::text IS NULL
       OR (machine_id, lower(valid), coalesce(service, '')) > (%(after_machine)s, %(after_from)s::date, %(after_service)s))
ORDER BY machine_id, lower(valid), coalesce(service, '')
LIMIT %(limit)s

-- operated: When whoever operates or instructs in a reservation is claimed for it.
SELECT lower(c.blocked), upper(c.blocked)
FROM booking.claim c JOIN booking.resource p ON p.id = c.resource_id
WHERE c.reservation_id = %(reservation_id)s AND p.kind = 'person' AND c.need IS NOT NULL AND c.released_at IS NULL
ORDER BY c.blocked

-- is_member: Whether a member is one, or a non-member who may use machines.
SELECT is_member FROM coop.member WHERE id = %(member_id)s

-- add_consumable: Enter something that is used up and counted.
INSERT INTO billing.consumable (id, name_ja, name_en) VALUES (%(id)s, %(name_ja)s, %(name_en)s)

-- end_price: Let the open-ended price of a consumable end where the next one begins.
UPDATE billing.consumable_price SET valid = daterange(lower(valid), %(valid_from)s)
WHERE consumable_id = %(consumable_id)s AND upper_inf(valid) AND lower(valid) < %(valid_from)s

-- add_price: Enter a version of the price of a consumable.
INSERT INTO billing.consumable_price (id, consumable_id, valid, yen_each, resolution, tax)
VALUES (%(id)s, %(consumable_id)s, daterange(%(valid_from)s, %(valid_until)s), %(yen_each)s, %(resolution)s, %(tax)s)

-- prices: All versions of the prices of consumables, by consumable and time, from a place in the list on.
SELECT p.id, c.id, c.name_ja, c.name_en, lower(p.valid), p.yen_each, upper(p.valid), p.resolution, p.tax
FROM billing.consumable_price p JOIN billing.consumable c ON c.id = p.consumable_id
WHERE %(after_consumable)s::text IS NULL OR (c.id, lower(p.valid)) > (%(after_consumable)s, %(after_from)s::date)
ORDER BY c.id, lower(p.valid)
LIMIT %(limit)s

-- add_consumption: Enter how many pieces a member used up on a machine on a day.
INSERT INTO billing.consumption (id, consumable_id, machine_id, member_id, reservation_id, used_on, count, entered_by,
                                 entered_at)
VALUES (%(id)s, %(consumable_id)s, %(machine_id)s, %(member_id)s, %(reservation_id)s, %(used_on)s, %(count)s,
        %(entered_by)s, %(now)s)

-- consumptions: What was used up, by day, of one month or all, from a place in the list on.
SELECT id, consumable_id, machine_id, member_id, used_on, count, reservation_id FROM billing.consumption
WHERE (%(month)s::date IS NULL OR month = %(month)s)
  AND (%(after_day)s::date IS NULL OR (used_on, id) > (%(after_day)s, %(after_id)s::uuid))
ORDER BY used_on, id
LIMIT %(limit)s

-- month_of_consumption: In which month something was used up.
SELECT month FROM billing.consumption WHERE id = %(id)s

-- remove_consumption: Take back what was entered by mistake.
DELETE FROM billing.consumption WHERE id = %(id)s
