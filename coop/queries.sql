-- record_audit: Append one line to the audit trail.
INSERT INTO coop.audit (at, actor_id, on_behalf_of, action, subject, detail)
VALUES (%(at)s, %(actor_id)s, %(on_behalf_of)s, %(action)s, %(subject)s, %(detail)s)

-- audit_about: The last lines of the trail about one thing, the newest first, with the names of people.
SELECT a.at, p.name, b.name, a.action, a.detail
FROM coop.audit a LEFT JOIN coop.person p ON p.id = a.actor_id LEFT JOIN coop.person b ON b.id = a.on_behalf_of
WHERE a.subject = %(subject)s
ORDER BY a.id DESC
LIMIT %(limit)s

-- found_cooperative: Write the one row that says whose database this is.
INSERT INTO coop.cooperative (slug, name, time_zone, invoice_number, address, founded_at)
VALUES (%(slug)s, %(name)s, %(time_zone)s, %(invoice_number)s, %(address)s, %(founded_at)s)

-- cooperative: Whose database this is.
SELECT slug, name, time_zone, invoice_number, address FROM coop.cooperative

-- add_member: Enter a member, or a non-member user, in the register.
INSERT INTO coop.member (id, name, kana, address, invoice_number, is_member, ownership_units, joined_on, telephone)
VALUES (%(id)s, %(name)s, %(kana)s, %(address)s, %(invoice_number)s, %(is_member)s, %(ownership_units)s, %(joined_on)s,
        %(telephone)s)

-- change_member: Give a member what its register entry shall say from now on; the key stays.
UPDATE coop.member
SET name = %(name)s, kana = %(kana)s, address = %(address)s, invoice_number = %(invoice_number)s,
    is_member = %(is_member)s, ownership_units = %(ownership_units)s, joined_on = %(joined_on)s, left_on = %(left_on)s,
    telephone = %(telephone)s
WHERE id = %(id)s

-- members: All members by their stable key.
SELECT id, name, kana, address, invoice_number, is_member, ownership_units, joined_on, left_on, telephone
FROM coop.member ORDER BY id

-- member_by_id: One member.
SELECT id, name, kana, address, invoice_number, is_member, ownership_units, joined_on, left_on, telephone
FROM coop.member WHERE id = %(id)s

-- add_person: Enter a person; who has no password can only use tokens.
INSERT INTO coop.person (member_id, name, email, password_hash, locale, sign_in_name)
VALUES (%(member_id)s, %(name)s, %(email)s, %(password_hash)s, %(locale)s, %(sign_in_name)s)
RETURNING id

-- change_person: Give a person what their entry shall say from now on; the e-mail address stays.
UPDATE coop.person SET name = %(name)s, member_id = %(member_id)s, locale = %(locale)s, active = %(active)s
WHERE id = %(id)s

-- withdraw_roles: Take from a person the roles that are not among those named.
DELETE FROM coop.person_role WHERE person_id = %(person_id)s AND role <> ALL (%(roles)s)

-- grant_role: Give a person a role, once.
INSERT INTO coop.person_role (person_id, role) VALUES (%(person_id)s, %(role)s) ON CONFLICT DO NOTHING

-- person_by_email: An active person's id by e-mail.
SELECT id FROM coop.person WHERE email <> '' AND lower(email) = lower(%(email)s) AND active

-- person_called: One person by e-mail in any letter case, active or not, with their roles.
SELECT p.id, p.member_id, p.name, p.email, p.locale, p.active,
       coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}'),
       p.sign_in_name
FROM coop.person p
WHERE p.email <> '' AND lower(p.email) = lower(%(email)s)

-- people_of: The people of one member, or of all when no member is named, with their roles.
SELECT p.id, p.member_id, p.name, p.email, p.locale, p.active,
       coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}'),
       p.sign_in_name
FROM coop.person p
WHERE %(member_id)s::text IS NULL OR p.member_id = %(member_id)s
ORDER BY p.member_id NULLS FIRST, p.name, p.id

-- add_token: Remember an API token by the hash of its secret.
INSERT INTO coop.api_token (secret_hash, person_id, name, scopes, created_at, expires_at)
VALUES (%(secret_hash)s, %(person_id)s, %(name)s, %(scopes)s, %(created_at)s, %(expires_at)s)
RETURNING id

-- tokens_of: The API tokens of a person, newest first, from a place in the list on.
SELECT id, name, scopes, created_at, expires_at, revoked_at FROM coop.api_token
WHERE person_id = %(person_id)s
  AND (%(after_id)s::uuid IS NULL OR (created_at, id) < (%(after_created)s::timestamptz, %(after_id)s))
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s

-- revoke_token: End one's own API token.
UPDATE coop.api_token SET revoked_at = %(now)s
WHERE id = %(id)s AND person_id = %(person_id)s AND revoked_at IS NULL
RETURNING id

-- viewer_of_token: Who is behind an API token, if it is still good.
SELECT p.id, p.member_id, p.locale,
       coalesce((SELECT array_agg(r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}'),
       t.scopes
FROM coop.api_token t JOIN coop.person p ON p.id = t.person_id AND coop.comes_in(p.id, %(now)s)
WHERE t.secret_hash = %(secret_hash)s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)

-- add_machine: Enter a machine with its specification.
INSERT INTO coop.machine (
    id, kind, name_ja, name_en, model, site, range_x_mm, range_y_mm, range_z_mm, table_load_kg, mpe_constant_um,
    mpe_length_divisor, resolution_um, smallest_hole_mm, stylus_reach_mm, probe_types, software, program_formats,
    room_temperature_class, set_up_minutes, tear_down_minutes, in_service)
VALUES (
    %(id)s, %(kind)s, %(name_ja)s, %(name_en)s, %(model)s, %(site)s, %(range_x_mm)s, %(range_y_mm)s, %(range_z_mm)s,
    %(table_load_kg)s, %(mpe_constant_um)s, %(mpe_length_divisor)s, %(resolution_um)s, %(smallest_hole_mm)s,
    %(stylus_reach_mm)s, %(probe_types)s, %(software)s, %(program_formats)s, %(room_temperature_class)s,
    %(set_up_minutes)s, %(tear_down_minutes)s, %(in_service)s)

-- change_machine: Give a machine what its specification shall say from now on; the key stays.
UPDATE coop.machine
SET kind = %(kind)s, name_ja = %(name_ja)s, name_en = %(name_en)s, model = %(model)s, site = %(site)s,
    range_x_mm = %(range_x_mm)s, range_y_mm = %(range_y_mm)s, range_z_mm = %(range_z_mm)s,
    table_load_kg = %(table_load_kg)s, mpe_constant_um = %(mpe_constant_um)s,
    mpe_length_divisor = %(mpe_length_divisor)s, resolution_um = %(resolution_um)s,
    smallest_hole_mm = %(smallest_hole_mm)s, stylus_reach_mm = %(stylus_reach_mm)s, probe_types = %(probe_types)s,
    software = %(software)s, program_formats = %(program_formats)s,
    room_temperature_class = %(room_temperature_class)s, set_up_minutes = %(set_up_minutes)s,
    tear_down_minutes = %(tear_down_minutes)s, in_service = %(in_service)s
WHERE id = %(id)s

-- machines: All machines with their specification, by id.
SELECT id, kind, name_ja, name_en, model, site, range_x_mm, range_y_mm, range_z_mm, table_load_kg, mpe_constant_um,
       mpe_length_divisor, resolution_um, smallest_hole_mm, stylus_reach_mm, probe_types, software, program_formats,
       room_temperature_class, set_up_minutes, tear_down_minutes, in_service
FROM coop.machine
WHERE %(id)s::text IS NULL OR id = %(id)s
ORDER BY id

-- add_opening_hours: Open a machine on one weekday from a date on.
INSERT INTO coop.opening_hours (machine_id, iso_weekday, opens, closes, valid_from, valid_until)
VALUES (%(machine_id)s, %(iso_weekday)s, %(opens)s, %(closes)s, %(valid_from)s, %(valid_until)s)

-- end_opening_hours: Let a machine's weekly hours end before a date; those that would begin later never do.
WITH never AS (
    DELETE FROM coop.opening_hours WHERE machine_id = %(machine_id)s AND valid_from >= %(day)s
)
UPDATE coop.opening_hours SET valid_until = %(day)s
WHERE machine_id = %(machine_id)s AND valid_from < %(day)s AND (valid_until IS NULL OR valid_until > %(day)s)

-- opening_hours: The weekly opening hours of some machines, or of all when none is named.
SELECT machine_id, iso_weekday, opens, closes, valid_from, valid_until FROM coop.opening_hours
WHERE %(machine_ids)s::text[] IS NULL OR machine_id = ANY (%(machine_ids)s)
ORDER BY machine_id, iso_weekday, opens

-- answered_before: The stored answer to a request key of this person.
SELECT request_hash, status, headers, body FROM coop.idempotency WHERE person_id = %(person_id)s AND key = %(key)s

-- remember_answer: Keep the answer to a request key, in the transaction of what the request did.
INSERT INTO coop.idempotency (person_id, key, request_hash, status, headers, body, created_at)
VALUES (%(person_id)s, %(key)s, %(request_hash)s, %(status)s, %(headers)s, %(body)s, %(created_at)s)

-- try_lock_request: Take this request key for the transaction, or learn that another request holds it.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(person_id)s || ' ' || %(key)s, 7269111))

-- forget_old: Clear expired sessions and ceremonies, answered requests and failures that nobody needs any more.
WITH sessions AS (DELETE FROM coop.session WHERE expires_at < %(now)s RETURNING 1),
     answers AS (DELETE FROM coop.idempotency WHERE created_at < %(answers_before)s RETURNING 1),
     failures AS (DELETE FROM coop.sign_in_failure WHERE at < %(failures_before)s RETURNING 1),
     ceremonies AS (DELETE FROM coop.ceremony WHERE expires_at < %(now)s RETURNING 1)
SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM answers), (SELECT count(*) FROM failures)

-- picture: What a machine looks like.
SELECT webp, digest, width_px, height_px FROM coop.machine_picture WHERE machine_id = %(machine_id)s

-- pictured: The machines of which there is a picture, with its digest.
SELECT machine_id, digest FROM coop.machine_picture

-- set_picture: Show what a machine looks like, in place of what was shown.
INSERT INTO coop.machine_picture (machine_id, webp, digest, width_px, height_px, set_at)
VALUES (%(machine_id)s, %(webp)s, %(digest)s, %(width_px)s, %(height_px)s, %(now)s)
ON CONFLICT (machine_id) DO UPDATE SET webp = EXCLUDED.webp, digest = EXCLUDED.digest, width_px = EXCLUDED.width_px,
    height_px = EXCLUDED.height_px, set_at = EXCLUDED.set_at

-- drop_picture: Show no picture of a machine any more.
DELETE FROM coop.machine_picture WHERE machine_id = %(machine_id)s

-- trail: Who did what to what, newest first, from a place on: by subject (`period` is all, `period:2026-10` one), person, action, time.
SELECT a.id, a.at, a.actor_id, p.name, a.on_behalf_of, b.name, a.action, a.subject, a.detail
FROM coop.audit a LEFT JOIN coop.person p ON p.id = a.actor_id LEFT JOIN coop.person b ON b.id = a.on_behalf_of
WHERE (%(subject)s::text IS NULL OR a.subject = %(subject)s OR starts_with(a.subject, %(subject)s || ':'))
  AND (%(action)s::text IS NULL OR a.action = %(action)s OR starts_with(a.action, %(action)s || '.'))
  AND (%(person_id)s::uuid IS NULL OR a.actor_id = %(person_id)s OR a.on_behalf_of = %(person_id)s)
  AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s)
  AND (%(after_id)s::bigint IS NULL OR a.id < %(after_id)s)
ORDER BY a.id DESC
LIMIT %(limit)s

-- trail_words: The kinds of action that the trail knows.
SELECT DISTINCT action FROM coop.audit ORDER BY action
