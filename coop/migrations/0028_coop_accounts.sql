-- How people come in: invitations, passkeys, second factors, sessions that can be told apart; and who may not any more.

-- Who has no mail signs in with a name of their own. An e-mail address has an @, a sign-in name none.
ALTER TABLE coop.person
    ADD COLUMN sign_in_name text CONSTRAINT person_sign_in_name_form CHECK (sign_in_name ~ '^[a-z0-9][a-z0-9._-]{2,30}$'),
    ADD CONSTRAINT person_can_sign_in CHECK (email <> '' OR sign_in_name IS NOT NULL);

DROP INDEX coop.person_email_is_unique;

CREATE UNIQUE INDEX person_email_is_unique ON coop.person (lower(email)) WHERE email <> '';

CREATE UNIQUE INDEX person_sign_in_name_is_unique ON coop.person (sign_in_name);

COMMENT ON COLUMN coop.person.email IS 'empty: has no mail and signs in by sign_in_name';

-- The one place that says whether a person may come in: active, and of a member that has not left.
CREATE FUNCTION coop.comes_in(person_id uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM coop.person p LEFT JOIN coop.member m ON m.id = p.member_id
        WHERE p.id = $1 AND p.active
          AND (m.left_on IS NULL OR m.left_on > ($2 AT TIME ZONE (SELECT c.time_zone FROM coop.cooperative c))::date))
$$;

ALTER TABLE coop.session
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT session_id_is_unique UNIQUE,
    ADD COLUMN opened_by text NOT NULL DEFAULT 'password' CONSTRAINT session_opened_by_known CHECK
        (opened_by IN ('password', 'passkey', 'provider', 'invitation', 'reset')),
    ADD COLUMN device text NOT NULL DEFAULT '',
    ADD COLUMN last_seen_at timestamptz,
    ADD COLUMN proved_at timestamptz;

COMMENT ON COLUMN coop.session.proved_at IS 'when a second factor was given; before that a session may open nothing';

-- A link that lets one person in once: found by the SHA-256 of its secret, which is derived and never stored.
CREATE TABLE coop.entry_link (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CONSTRAINT entry_link_kind_known CHECK (kind IN ('invitation', 'reset')),
    secret_hash bytea NOT NULL CONSTRAINT entry_link_secret_is_unique UNIQUE,
    person_id   uuid NOT NULL CONSTRAINT entry_link_person_exists REFERENCES coop.person (id),
    made_by     uuid CONSTRAINT entry_link_maker_exists REFERENCES coop.person (id),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    revoked_at  timestamptz,
    CONSTRAINT entry_link_used_or_revoked CHECK (used_at IS NULL OR revoked_at IS NULL)
);

CREATE INDEX entry_link_by_person ON coop.entry_link (person_id, created_at);

CREATE INDEX entry_link_by_age ON coop.entry_link (created_at, id);

-- A WebAuthn credential; what it signs is checked with its public key (COSE).
CREATE TABLE coop.passkey (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    credential_id bytea NOT NULL CONSTRAINT passkey_credential_is_unique UNIQUE,
    person_id     uuid NOT NULL CONSTRAINT passkey_person_exists REFERENCES coop.person (id),
    public_key    bytea NOT NULL,
    sign_count    bigint NOT NULL CONSTRAINT passkey_count_not_negative CHECK (sign_count >= 0),
    name          text NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);

CREATE INDEX passkey_by_person ON coop.passkey (person_id);

-- A way in that has begun and is ended by who holds its secret, once: a passkey's challenge, a provider's state.
CREATE TABLE coop.ceremony (
    secret_hash bytea PRIMARY KEY,
    kind        text NOT NULL CONSTRAINT ceremony_kind_known CHECK (kind IN ('passkey_new', 'passkey_use', 'provider')),
    person_id   uuid CONSTRAINT ceremony_person_exists REFERENCES coop.person (id),
    detail      jsonb NOT NULL DEFAULT '{}',
    expires_at  timestamptz NOT NULL
);

CREATE INDEX ceremony_by_expiry ON coop.ceremony (expires_at);

-- Time-based codes (RFC 6238): the secret is sealed with the installation's key; a step is used once.
CREATE TABLE coop.second_factor (
    person_id    uuid PRIMARY KEY CONSTRAINT second_factor_person_exists REFERENCES coop.person (id),
    sealed       bytea NOT NULL,
    begun_at     timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step    bigint NOT NULL DEFAULT 0
);

CREATE TABLE coop.recovery_code (
    person_id uuid NOT NULL CONSTRAINT recovery_code_person_exists REFERENCES coop.person (id),
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

-- Whom the provider means; entered at the first sign-in, by the verified e-mail address.
CREATE TABLE coop.provider_identity (
    issuer    text NOT NULL,
    subject   text NOT NULL,
    person_id uuid NOT NULL CONSTRAINT provider_identity_person_exists REFERENCES coop.person (id),
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX provider_identity_by_person ON coop.provider_identity (person_id);
