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
