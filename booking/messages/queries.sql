-- add_feed: Enter a calendar by the digest of its secret.
INSERT INTO booking.feed (id, secret_hash, person_id, machine_id, member_id, created_at)
VALUES (%(id)s, %(secret_hash)s, %(person_id)s, %(machine_id)s, %(member_id)s, %(now)s)
RETURNING id, machine_id, member_id, created_at

-- feeds_of: A person's calendars that are not revoked, newest first.
SELECT id, machine_id, member_id, created_at FROM booking.feed
WHERE person_id = %(person_id)s AND revoked_at IS NULL
ORDER BY created_at DESC, id

-- revoke_feed: End one of a person's calendars.
UPDATE booking.feed SET revoked_at = %(now)s
WHERE id = %(id)s AND person_id = %(person_id)s AND revoked_at IS NULL
RETURNING id

-- feed_by_secret: A calendar, what it is of, and its person with the rights they have now.
SELECT f.id, f.machine_id, f.member_id, f.created_at, coalesce(c.name_ja, m.name, p.name),
       coalesce(c.name_en, m.name, p.name), p.id, p.member_id, p.locale,
       ARRAY(SELECT role FROM coop.person_role WHERE person_id = p.id), k.time_zone
FROM booking.feed f
JOIN coop.person p ON p.id = f.person_id AND coop.comes_in(p.id, %(now)s)
LEFT JOIN coop.machine c ON c.id = f.machine_id
LEFT JOIN coop.member m ON m.id = f.member_id
CROSS JOIN coop.cooperative k
WHERE f.secret_hash = %(secret_hash)s AND f.revoked_at IS NULL

-- feed_plans: The reservations of a calendar that end after a time, with what was cancelled not long ago.
SELECT r.uid, r.member_id, m.name, r.person_id, p.name, r.starts_at, r.ends_at, r.status, r.purpose, r.version,
       r.created_at, r.changed_at, coalesce(c.name_ja, x.name), coalesce(c.name_en, x.name), coalesce(c.site, '')
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person p ON p.id = r.person_id
LEFT JOIN coop.machine c ON c.id = r.machine_id
LEFT JOIN booking.resource a ON a.id = r.resource_id
LEFT JOIN coop.person x ON x.id = a.person_id
WHERE r.status <> 'held' AND r.ends_at > %(from)s
  AND (r.status NOT IN ('released', 'cancelled', 'declined') OR r.changed_at > %(cancelled_since)s)
  AND (%(machine_id)s::text IS NULL OR r.machine_id = %(machine_id)s)
  AND (%(member_id)s::text IS NULL OR r.member_id = %(member_id)s)
  AND (%(person_id)s::uuid IS NULL OR r.person_id = %(person_id)s OR EXISTS (
        SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
        WHERE k.reservation_id = r.id AND h.person_id = %(person_id)s
          AND (k.released_at IS NULL OR r.status IN ('released', 'cancelled', 'declined'))))
ORDER BY r.starts_at, r.id

-- feed_outages: When a machine cannot be used, after a time.
SELECT o.id, lower(o.during), upper(o.during), o.entered_at FROM booking.outage o
WHERE o.resource_id = %(machine_id)s AND upper(o.during) > %(from)s
ORDER BY o.during

-- message_preference: How a person wants to hear of their reservations.
SELECT channel FROM booking.message_preference WHERE person_id = %(person_id)s

-- prefer_channel: Remember how a person wants to hear of their reservations.
INSERT INTO booking.message_preference (person_id, channel) VALUES (%(person_id)s, %(channel)s)
ON CONFLICT (person_id) DO UPDATE SET channel = excluded.channel

-- subscribe_push: Enter a browser; one that is known already is the viewer's from now on.
INSERT INTO booking.push_subscription (person_id, endpoint, public_key, auth, created_at)
VALUES (%(person_id)s, %(endpoint)s, %(public_key)s, %(auth)s, %(now)s)
ON CONFLICT (endpoint) DO UPDATE
SET person_id = excluded.person_id, public_key = excluded.public_key, auth = excluded.auth
RETURNING id, endpoint, created_at

-- push_subscriptions_of: A person's browsers, newest first.
SELECT id, endpoint, created_at FROM booking.push_subscription
WHERE person_id = %(person_id)s
ORDER BY created_at DESC, id

-- revoke_push: Forget one of a person's browsers.
DELETE FROM booking.push_subscription WHERE id = %(id)s AND person_id = %(person_id)s RETURNING id

-- push_subscription: One browser and whose it is.
SELECT person_id, endpoint, public_key, auth FROM booking.push_subscription WHERE id = %(id)s

-- forget_push: Forget a browser that is gone.
DELETE FROM booking.push_subscription WHERE id = %(id)s

-- to_be_told: Its person (or who manages its member), whose it was, who helps or helped, who may approve: how each is told.
SELECT p.id, coalesce(y.channel, 'mail'),
       ARRAY(SELECT s.id FROM booking.push_subscription s WHERE s.person_id = p.id ORDER BY s.id),
       %(asks)s AND o.approves AND p.id IS DISTINCT FROM %(person_id)s,
       coalesce(p.id = %(person_id)s, p.member_id = %(member_id)s)
FROM coop.person p
LEFT JOIN booking.message_preference y ON y.person_id = p.id
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(o.role = ANY (%(approvers)s)), false) AS approves,
           coalesce(bool_or(o.role = 'member_manager'), false) AS manages
    FROM coop.person_role o WHERE o.person_id = p.id) AS o
WHERE p.active AND (
    p.id = %(person_id)s OR p.id = ANY (%(former_ids)s::uuid[])
    OR (%(person_id)s::uuid IS NULL AND p.member_id = %(member_id)s AND o.manages)
    OR (%(asks)s AND o.approves)
    OR EXISTS (SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
               WHERE k.reservation_id = %(reservation_id)s AND h.person_id = p.id))
ORDER BY p.id

-- add_message: Enter that a person is told of an event; a second time enters nothing.
INSERT INTO booking.message (event_id, person_id, channel, created_at)
VALUES (%(event_id)s, %(person_id)s, %(channel)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING event_id

-- message_is_open: Whether a message waits to be sent.
SELECT sent_at IS NULL FROM booking.message
WHERE event_id = %(event_id)s AND person_id = %(person_id)s AND channel = %(channel)s

-- message_sent: Remember that a message was sent.
UPDATE booking.message SET sent_at = %(now)s
WHERE event_id = %(event_id)s AND person_id = %(person_id)s AND channel = %(channel)s

-- message_facts: Who is told of a reservation on a machine that it has or had, in which language, what is theirs to do.
SELECT p.name, p.email, p.locale, r.uid, r.created_at, coalesce(c.name_ja, x.name), coalesce(c.name_en, x.name),
       EXISTS (SELECT FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
               WHERE k.reservation_id = r.id AND h.person_id = p.id),
       EXISTS (SELECT FROM coop.person_role l WHERE l.person_id = p.id AND l.role = ANY (%(approvers)s)),
       (SELECT min(k.expires_at) FROM booking.claim k WHERE k.reservation_id = r.id AND k.released_at IS NULL),
       m.name, o.name, g.name, g.time_zone
FROM booking.reservation r
JOIN coop.member m ON m.id = r.member_id
LEFT JOIN coop.person o ON o.id = r.person_id
LEFT JOIN coop.machine c ON c.id = %(machine_id)s AND r.machine_id IS NOT NULL
LEFT JOIN booking.resource a ON a.id = r.resource_id
LEFT JOIN coop.person x ON x.id = a.person_id
CROSS JOIN coop.cooperative g
JOIN coop.person p ON p.id = %(person_id)s AND p.active
WHERE r.id = %(reservation_id)s

-- needed: What is to be known of a reservation: room, key, deadlines by the policy of today, who helps beside a person.
SELECT coalesce(c.site, ''), coalesce(a.note_ja, ''), coalesce(a.note_en, ''), coalesce(y.cancel_minutes, 0),
       coalesce(y.soak_minutes, 0),
       (SELECT min(lower(k.blocked)) FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
        WHERE k.reservation_id = r.id AND h.kind = 'place' AND k.released_at IS NULL),
       ARRAY(SELECT DISTINCT q.name FROM booking.claim k JOIN booking.resource h ON h.id = k.resource_id
             JOIN coop.person q ON q.id = h.person_id
             WHERE k.reservation_id = r.id AND k.released_at IS NULL AND q.id IS DISTINCT FROM %(person_id)s::uuid
             ORDER BY q.name)
FROM booking.reservation r
CROSS JOIN coop.cooperative g
LEFT JOIN coop.machine c ON c.id = r.machine_id
LEFT JOIN booking.access a ON a.machine_id = r.machine_id
LEFT JOIN booking.policy y ON y.machine_id = r.machine_id AND y.valid @> (now() AT TIME ZONE g.time_zone)::date
WHERE r.id = %(reservation_id)s

-- forget_messages: Messages and deliveries of long ago are nobody's business any more.
WITH forgotten AS (DELETE FROM booking.message WHERE created_at < %(before)s)
DELETE FROM booking.webhook_delivery WHERE created_at < %(before)s

-- add_webhook: Enter a program that is told of every reservation.
INSERT INTO booking.webhook (url, created_by, created_at) VALUES (%(url)s, %(person_id)s, %(now)s)
RETURNING id, url, created_at

-- webhooks: The programs that are told, newest first.
SELECT id, url, created_at FROM booking.webhook WHERE stopped_at IS NULL ORDER BY created_at DESC, id

-- stop_webhook: Tell a program no more.
UPDATE booking.webhook SET stopped_at = %(now)s WHERE id = %(id)s AND stopped_at IS NULL RETURNING id

-- add_deliveries: Enter an event for every program that is told; a second time enters nothing.
INSERT INTO booking.webhook_delivery (webhook_id, event_id, type, body, created_at)
SELECT w.id, %(event_id)s, %(type)s, %(body)s, %(now)s FROM booking.webhook w WHERE w.stopped_at IS NULL
ON CONFLICT ON CONSTRAINT webhook_delivery_once_per_event DO NOTHING
RETURNING id

-- add_delivery: Enter an event for one program that is told.
INSERT INTO booking.webhook_delivery (webhook_id, event_id, type, body, created_at)
VALUES (%(webhook_id)s, %(event_id)s, %(type)s, %(body)s, %(now)s)
RETURNING id, event_id, type, created_at, attempts, last_attempt_at, last_status, last_error, delivered_at

-- reopen_delivery: What was delivered, or given up, is to be delivered again, if its program is told at all.
UPDATE booking.webhook_delivery d SET delivered_at = NULL FROM booking.webhook w
WHERE d.id = %(id)s AND d.webhook_id = %(webhook_id)s AND w.id = d.webhook_id AND w.stopped_at IS NULL
RETURNING d.id, d.event_id, d.type, d.created_at, d.attempts, d.last_attempt_at, d.last_status, d.last_error,
          d.delivered_at

-- open_delivery: What is to be delivered and where; nothing if it was, or if its program is told no more.
SELECT w.id, w.url, d.event_id, d.body FROM booking.webhook_delivery d JOIN booking.webhook w ON w.id = d.webhook_id
WHERE d.id = %(id)s AND d.delivered_at IS NULL AND w.stopped_at IS NULL

-- note_attempt: Remember what became of an attempt to deliver.
UPDATE booking.webhook_delivery
SET attempts = attempts + 1, last_attempt_at = %(now)s, last_status = %(status)s, last_error = %(error)s,
    delivered_at = CASE WHEN %(delivered)s THEN %(now)s::timestamptz END
WHERE id = %(id)s

-- deliveries: What a program was told, newest first, from a place in the list on.
SELECT id, event_id, type, created_at, attempts, last_attempt_at, last_status, last_error, delivered_at
FROM booking.webhook_delivery
WHERE webhook_id = %(webhook_id)s
  AND (%(after_id)s::uuid IS NULL OR (created_at, id) < (%(after_created)s::timestamptz, %(after_id)s))
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
