-- The ground: the cooperative, its members, people and machines; who may act, and what was done.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SCHEMA coop;

GRANT USAGE ON SCHEMA coop TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA coop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moyai_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA coop GRANT USAGE ON SEQUENCES TO moyai_app;

-- One cooperative is one database: exactly one row.
CREATE TABLE coop.cooperative (
    only_one       boolean PRIMARY KEY DEFAULT true CONSTRAINT cooperative_is_one CHECK (only_one),
    slug           text NOT NULL CONSTRAINT cooperative_slug_is_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name           text NOT NULL,
    time_zone      text NOT NULL,
    invoice_number text CONSTRAINT cooperative_invoice_number_form CHECK (invoice_number ~ '^T[0-9]{13}$'),
    address        text NOT NULL DEFAULT '',
    founded_at     timestamptz NOT NULL
);

CREATE TABLE coop.member (
    id              text PRIMARY KEY CONSTRAINT member_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name            text NOT NULL,
    kana            text NOT NULL DEFAULT '',
    address         text NOT NULL DEFAULT '',
    invoice_number  text CONSTRAINT member_invoice_number_form CHECK (invoice_number ~ '^T[0-9]{13}$'),
    is_member       boolean NOT NULL DEFAULT true,
    ownership_units integer NOT NULL DEFAULT 1 CONSTRAINT member_units_not_negative CHECK (ownership_units >= 0),
    joined_on       date NOT NULL,
    left_on         date,
    CONSTRAINT member_leaves_after_joining CHECK (left_on > joined_on)
);

COMMENT ON COLUMN coop.member.is_member IS 'false: a non-member who may use machines (員外利用)';

CREATE TABLE coop.person (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    member_id     text CONSTRAINT person_member_exists REFERENCES coop.member (id),
    name          text NOT NULL,
    email         text NOT NULL,
    password_hash text,
    locale        text NOT NULL DEFAULT 'ja' CONSTRAINT person_locale_known CHECK (locale IN ('ja', 'en')),
    active        boolean NOT NULL DEFAULT true
);

CREATE UNIQUE INDEX person_email_is_unique ON coop.person (lower(email));

CREATE INDEX person_by_member ON coop.person (member_id);

CREATE TABLE coop.person_role (
    person_id uuid NOT NULL CONSTRAINT person_role_person_exists REFERENCES coop.person (id),
    role      text NOT NULL CONSTRAINT person_role_known CHECK (role IN
        ('engineer', 'member_manager', 'operator', 'office', 'director', 'auditor', 'ward', 'machine')),
    PRIMARY KEY (person_id, role)
);

-- A session or token is found by the SHA-256 of its secret; the secret itself is never stored.
CREATE TABLE coop.session (
    secret_hash bytea PRIMARY KEY,
    person_id   uuid NOT NULL CONSTRAINT session_person_exists REFERENCES coop.person (id),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE INDEX session_by_person ON coop.session (person_id);

CREATE TABLE coop.api_token (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    secret_hash bytea NOT NULL CONSTRAINT api_token_secret_is_unique UNIQUE,
    person_id   uuid NOT NULL CONSTRAINT api_token_person_exists REFERENCES coop.person (id),
    name        text NOT NULL,
    scopes      text[] NOT NULL CONSTRAINT api_token_scopes_known CHECK (scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz
);

CREATE INDEX api_token_by_person ON coop.api_token (person_id);

-- Wrong passwords of one e-mail address in a window; throttles guessing whether or not the address exists.
CREATE TABLE coop.sign_in_failure (
    email_hash bytea NOT NULL,
    at         timestamptz NOT NULL
);

CREATE INDEX sign_in_failure_by_email ON coop.sign_in_failure (email_hash, at);

CREATE TABLE coop.machine (
    id                     text PRIMARY KEY CONSTRAINT machine_id_is_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    kind                   text NOT NULL CONSTRAINT machine_kind_is_slug CHECK (kind ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name_ja                text NOT NULL,
    name_en                text NOT NULL,
    model                  text NOT NULL DEFAULT '',
    site                   text NOT NULL DEFAULT '',
    range_x_mm             numeric CONSTRAINT machine_range_x_positive CHECK (range_x_mm > 0),
    range_y_mm             numeric CONSTRAINT machine_range_y_positive CHECK (range_y_mm > 0),
    range_z_mm             numeric CONSTRAINT machine_range_z_positive CHECK (range_z_mm > 0),
    table_load_kg          numeric CONSTRAINT machine_table_load_positive CHECK (table_load_kg > 0),
    mpe_constant_um        numeric,
    mpe_length_divisor     numeric CONSTRAINT machine_mpe_divisor_positive CHECK (mpe_length_divisor > 0),
    resolution_um          numeric,
    smallest_hole_mm       numeric,
    stylus_reach_mm        numeric,
    probe_types            text[] NOT NULL DEFAULT '{}',
    software               text NOT NULL DEFAULT '',
    program_formats        text[] NOT NULL DEFAULT '{}',
    room_temperature_class text NOT NULL DEFAULT '',
    set_up_minutes         integer NOT NULL DEFAULT 0 CONSTRAINT machine_set_up_not_negative CHECK (set_up_minutes >= 0),
    tear_down_minutes      integer NOT NULL DEFAULT 0 CONSTRAINT machine_tear_down_not_negative CHECK (tear_down_minutes >= 0),
    in_service             boolean NOT NULL DEFAULT true
);

COMMENT ON COLUMN coop.machine.mpe_constant_um IS 'A of E0,MPE = A + L / K (µm, L in mm; ISO 10360-2)';
COMMENT ON COLUMN coop.machine.mpe_length_divisor IS 'K of E0,MPE = A + L / K';

-- Weekly opening hours in the cooperative's time zone, effective-dated: [valid_from, valid_until).
CREATE TABLE coop.opening_hours (
    machine_id  text NOT NULL CONSTRAINT opening_hours_machine_exists REFERENCES coop.machine (id),
    iso_weekday integer NOT NULL CONSTRAINT opening_hours_weekday CHECK (iso_weekday BETWEEN 1 AND 7),
    opens       time NOT NULL,
    closes      time NOT NULL,
    valid_from  date NOT NULL DEFAULT '2000-01-01',
    valid_until date,
    PRIMARY KEY (machine_id, iso_weekday, opens, valid_from),
    CONSTRAINT opening_hours_not_empty CHECK (closes > opens),
    CONSTRAINT opening_hours_midnight_is_time_max CHECK (closes < '24:00'),
    CONSTRAINT opening_hours_valid CHECK (valid_until > valid_from)
);

-- Append-only; person ids only, no names or addresses.
CREATE TABLE coop.audit (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor_id     uuid CONSTRAINT audit_actor_exists REFERENCES coop.person (id),
    on_behalf_of uuid CONSTRAINT audit_on_behalf_exists REFERENCES coop.person (id),
    action       text NOT NULL,
    subject      text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX audit_by_subject ON coop.audit (subject, id);

REVOKE UPDATE, DELETE, TRUNCATE ON coop.audit FROM moyai_app;

-- The answer to a request with an Idempotency-Key, committed with what the request did.
CREATE TABLE coop.idempotency (
    person_id    uuid NOT NULL CONSTRAINT idempotency_person_exists REFERENCES coop.person (id),
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       integer NOT NULL,
    headers      jsonb NOT NULL DEFAULT '{}',
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (person_id, key)
);

CREATE INDEX idempotency_by_age ON coop.idempotency (created_at);
