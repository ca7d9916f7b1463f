-- Calendars behind a secret address, what was said to whom and how, and the programs that are told.

-- A calendar of one machine, of one member, or (neither) of the person themselves, read with the rights of its person.
-- It is found by the SHA-256 of its secret; the secret itself is never stored.
CREATE TABLE booking.feed (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    secret_hash bytea NOT NULL CONSTRAINT feed_secret_is_unique UNIQUE,
    person_id   uuid NOT NULL CONSTRAINT feed_person_exists REFERENCES coop.person (id),
    machine_id  text CONSTRAINT feed_machine_exists REFERENCES coop.machine (id),
    member_id   text CONSTRAINT feed_member_exists REFERENCES coop.member (id),
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    CONSTRAINT feed_is_of_one_thing CHECK (machine_id IS NULL OR member_id IS NULL)
);

CREATE INDEX feed_by_person ON booking.feed (person_id);

-- How a person wants to hear of their reservations; no row: by mail.
CREATE TABLE booking.message_preference (
    person_id uuid PRIMARY KEY CONSTRAINT message_preference_person_exists REFERENCES coop.person (id),
    channel   text NOT NULL CONSTRAINT message_preference_known CHECK (channel IN ('mail', 'push', 'calendar'))
);

-- A browser that may be pushed to (RFC 8030); revoking deletes it.
CREATE TABLE booking.push_subscription (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id  uuid NOT NULL CONSTRAINT push_subscription_person_exists REFERENCES coop.person (id),
    endpoint   text NOT NULL CONSTRAINT push_subscription_endpoint_is_unique UNIQUE,
    public_key bytea NOT NULL CONSTRAINT push_subscription_key_is_a_point CHECK (octet_length(public_key) = 65),
    auth       bytea NOT NULL CONSTRAINT push_subscription_auth_has_16_bytes CHECK (octet_length(auth) = 16),
    created_at timestamptz NOT NULL
);

CREATE INDEX push_subscription_by_person ON booking.push_subscription (person_id);

-- One message about one event to one person by one channel: entered once however often its job runs.
CREATE TABLE booking.message (
    event_id   uuid NOT NULL,
    person_id  uuid NOT NULL CONSTRAINT message_person_exists REFERENCES coop.person (id),
    channel    text NOT NULL CONSTRAINT message_channel_known CHECK (channel IN ('mail', 'push')),
    created_at timestamptz NOT NULL,
    sent_at    timestamptz,
    PRIMARY KEY (event_id, person_id, channel)
);

-- A program that is told of every reservation. Its signing key is derived from the installation's, not stored.
CREATE TABLE booking.webhook (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    url        text NOT NULL,
    created_by uuid NOT NULL CONSTRAINT webhook_person_exists REFERENCES coop.person (id),
    created_at timestamptz NOT NULL,
    stopped_at timestamptz
);

-- One event for one program, with what became of it. The body is kept: each attempt sends the same bytes.
CREATE TABLE booking.webhook_delivery (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id      uuid NOT NULL CONSTRAINT webhook_delivery_webhook_exists REFERENCES booking.webhook (id),
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    body            text NOT NULL,
    created_at      timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_status     integer,
    last_error      text,
    delivered_at    timestamptz,
    CONSTRAINT webhook_delivery_once_per_event UNIQUE (webhook_id, event_id)
);

CREATE INDEX webhook_delivery_newest ON booking.webhook_delivery (webhook_id, created_at, id);
