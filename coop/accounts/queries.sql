-- count_failures: What one subject got wrong since a moment.
SELECT count(*) FROM coop.sign_in_failure WHERE email_hash = %(email_hash)s AND at > %(since)s

-- add_failure: Remember what a subject got wrong.
INSERT INTO coop.sign_in_failure (email_hash, at) VALUES (%(email_hash)s, %(at)s)

-- forget_failures: What was right clears the count of its subject.
DELETE FROM coop.sign_in_failure WHERE email_hash = %(email_hash)s

-- add_link: Enter a link by the digest of its secret.
INSERT INTO coop.entry_link (id, kind, secret_hash, person_id, made_by, created_at, expires_at)
VALUES (%(id)s, %(kind)s, %(secret_hash)s, %(person_id)s, %(made_by)s, %(now)s, %(expires_at)s)

-- revoke_links_of: Take back the open links of one kind that a person has.
UPDATE coop.entry_link SET revoked_at = %(now)s
WHERE person_id = %(person_id)s AND kind = %(kind)s AND used_at IS NULL AND revoked_at IS NULL

-- revoke_link: Take back one link that nobody used.
UPDATE coop.entry_link SET revoked_at = %(now)s
WHERE id = %(id)s AND used_at IS NULL AND revoked_at IS NULL
RETURNING id

-- link_holder: Whom an open link lets in.
SELECT l.id, p.id, p.name, p.email, p.sign_in_name, p.locale, l.expires_at
FROM coop.entry_link l JOIN coop.person p ON p.id = l.person_id
WHERE l.secret_hash = %(secret_hash)s AND l.kind = %(kind)s AND l.used_at IS NULL AND l.revoked_at IS NULL
  AND l.expires_at > %(now)s AND coop.comes_in(p.id, %(now)s)

-- use_link: Use a link up, once.
UPDATE coop.entry_link SET used_at = %(now)s
WHERE id = %(id)s AND used_at IS NULL AND revoked_at IS NULL AND expires_at > %(now)s
RETURNING id

-- link_to_mail: An open link, and to whom it is sent.
SELECT l.kind, p.name, p.email, p.locale, l.expires_at
FROM coop.entry_link l JOIN coop.person p ON p.id = l.person_id
WHERE l.id = %(id)s AND l.used_at IS NULL AND l.revoked_at IS NULL AND l.expires_at > %(now)s AND p.email <> ''
  AND coop.comes_in(p.id, %(now)s)

-- invitations: The invitations of a member's people, or of all when no member is named, newest first.
SELECT l.id, p.id, p.name, p.email, p.sign_in_name, p.member_id, p.locale, l.created_at, l.expires_at, l.used_at,
       l.revoked_at
FROM coop.entry_link l JOIN coop.person p ON p.id = l.person_id
WHERE l.kind = 'invitation' AND (%(id)s::uuid IS NULL OR l.id = %(id)s)
  AND (%(member_id)s::text IS NULL OR p.member_id = %(member_id)s)
  AND (%(after_id)s::uuid IS NULL OR (l.created_at, l.id) < (%(after_created)s::timestamptz, %(after_id)s))
ORDER BY l.created_at DESC, l.id DESC
LIMIT %(limit)s

-- has_access: Whether a person has a way to sign in.
SELECT p.password_hash IS NOT NULL
       OR EXISTS (SELECT FROM coop.passkey k WHERE k.person_id = p.id)
       OR EXISTS (SELECT FROM coop.provider_identity i WHERE i.person_id = p.id)
FROM coop.person p WHERE p.id = %(person_id)s

-- person_for_sign_in: The password hash of who is called so, by e-mail in any letter case or by sign-in name.
SELECT id, password_hash FROM coop.person
WHERE (email <> '' AND lower(email) = lower(%(called)s) OR sign_in_name = lower(%(called)s))
  AND coop.comes_in(id, %(now)s)

-- person_to_reset: Who with this e-mail address may choose a new password.
SELECT id FROM coop.person
WHERE email <> '' AND lower(email) = lower(%(email)s) AND coop.comes_in(id, %(now)s)

-- own_password: A person's password hash, and what anybody knows of them.
SELECT password_hash, name, email, coalesce(sign_in_name, '') FROM coop.person WHERE id = %(person_id)s

-- set_password: Give a person a new password.
UPDATE coop.person SET password_hash = %(password_hash)s WHERE id = %(person_id)s

-- open_session: Remember a signed-in browser by the hash of its secret.
INSERT INTO coop.session (secret_hash, person_id, created_at, expires_at, opened_by, device, last_seen_at, proved_at)
VALUES (%(secret_hash)s, %(person_id)s, %(now)s, %(expires_at)s, %(opened_by)s, %(device)s, %(now)s, %(proved_at)s)

-- close_session: Forget a signed-in browser.
DELETE FROM coop.session WHERE secret_hash = %(secret_hash)s RETURNING person_id

-- session_by_secret: Who is behind a browser's secret, if it is still good, and what they proved and could prove.
SELECT s.id, p.id, p.member_id, p.locale,
       coalesce((SELECT array_agg(r.role) FROM coop.person_role r WHERE r.person_id = p.id), '{}'),
       s.proved_at IS NOT NULL,
       EXISTS (SELECT FROM coop.second_factor f WHERE f.person_id = p.id AND f.confirmed_at IS NOT NULL),
       EXISTS (SELECT FROM coop.passkey k WHERE k.person_id = p.id),
       s.last_seen_at
FROM coop.session s JOIN coop.person p ON p.id = s.person_id AND coop.comes_in(p.id, %(now)s)
WHERE s.secret_hash = %(secret_hash)s AND s.expires_at > %(now)s

-- touch_session: Remember when a browser was last seen.
UPDATE coop.session SET last_seen_at = %(now)s WHERE id = %(id)s

-- prove_session: A second factor was given in this session.
UPDATE coop.session SET proved_at = %(now)s WHERE id = %(id)s

-- sessions_of: The signed-in browsers of a person, the last seen first.
SELECT id, device, opened_by, created_at, coalesce(last_seen_at, created_at), proved_at IS NOT NULL FROM coop.session
WHERE person_id = %(person_id)s AND expires_at > %(now)s
ORDER BY coalesce(last_seen_at, created_at) DESC, id

-- end_session: Forget one browser of a person.
DELETE FROM coop.session WHERE id = %(id)s AND person_id = %(person_id)s RETURNING id

-- end_sessions: Forget a person's browsers, but for one.
DELETE FROM coop.session WHERE person_id = %(person_id)s AND id IS DISTINCT FROM %(but)s::uuid

-- begin_ceremony: Remember a ceremony by the digest of its secret.
INSERT INTO coop.ceremony (secret_hash, kind, person_id, detail, expires_at)
VALUES (%(secret_hash)s, %(kind)s, %(person_id)s, %(detail)s, %(expires_at)s)

-- finish_ceremony: Take a ceremony that is still open.
DELETE FROM coop.ceremony WHERE secret_hash = %(secret_hash)s AND kind = %(kind)s AND expires_at > %(now)s
RETURNING person_id, detail

-- begin_second_factor: Give a person a secret for codes, unless one is confirmed.
INSERT INTO coop.second_factor AS f (person_id, sealed, begun_at) VALUES (%(person_id)s, %(sealed)s, %(now)s)
ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, begun_at = excluded.begun_at, last_step = 0
WHERE f.confirmed_at IS NULL
RETURNING person_id

-- second_factor: What a person's codes are made of, and since when they count.
SELECT sealed, last_step, confirmed_at FROM coop.second_factor WHERE person_id = %(person_id)s

-- confirm_second_factor: Codes count from now on.
UPDATE coop.second_factor SET confirmed_at = %(now)s WHERE person_id = %(person_id)s

-- use_step: Use a half minute's code up, once.
UPDATE coop.second_factor SET last_step = %(step)s WHERE person_id = %(person_id)s AND last_step < %(step)s
RETURNING person_id

-- remove_second_factor: Ask a person for codes no more.
DELETE FROM coop.second_factor WHERE person_id = %(person_id)s

-- add_recovery_code: Keep the digest of a recovery code.
INSERT INTO coop.recovery_code (person_id, code_hash) VALUES (%(person_id)s, %(code_hash)s)

-- use_recovery_code: Use a recovery code up, once.
UPDATE coop.recovery_code SET used_at = %(now)s
WHERE person_id = %(person_id)s AND code_hash = %(code_hash)s AND used_at IS NULL
RETURNING person_id

-- recovery_codes_left: How many recovery codes a person has.
SELECT count(*) FROM coop.recovery_code WHERE person_id = %(person_id)s AND used_at IS NULL

-- forget_recovery_codes: Let a person's recovery codes count no more.
DELETE FROM coop.recovery_code WHERE person_id = %(person_id)s

-- credentials_of: By what a device recognises that it has a passkey of this person.
SELECT credential_id FROM coop.passkey WHERE person_id = %(person_id)s

-- add_passkey: Keep a passkey's public key.
INSERT INTO coop.passkey (credential_id, person_id, public_key, sign_count, name, created_at)
VALUES (%(credential_id)s, %(person_id)s, %(public_key)s, %(sign_count)s, %(name)s, %(now)s)
RETURNING id, name, created_at, last_used_at

-- passkeys_of: A person's passkeys, newest first.
SELECT id, name, created_at, last_used_at FROM coop.passkey
WHERE person_id = %(person_id)s ORDER BY created_at DESC, id

-- passkey_to_use: The public key of a passkey whose person may come in.
SELECT id, person_id, public_key, sign_count FROM coop.passkey
WHERE credential_id = %(credential_id)s AND coop.comes_in(person_id, %(now)s)

-- passkey_used: Remember when a passkey was used, and how often it says it was.
UPDATE coop.passkey SET last_used_at = %(now)s, sign_count = %(sign_count)s WHERE id = %(id)s

-- remove_passkey: Forget a passkey of a person.
DELETE FROM coop.passkey WHERE id = %(id)s AND person_id = %(person_id)s RETURNING id

-- person_of_identity: Whom a provider means by a subject.
SELECT person_id FROM coop.provider_identity
WHERE issuer = %(issuer)s AND subject = %(subject)s

-- link_identity: Remember whom a provider means by a subject.
INSERT INTO coop.provider_identity (issuer, subject, person_id, linked_at)
VALUES (%(issuer)s, %(subject)s, %(person_id)s, %(now)s)

-- comes_in: Whether a person may come in.
SELECT coop.comes_in(%(person_id)s, %(now)s)
