-- Edge nodes of Sparkplug as far as they were heard.

-- groups: The groups in which an edge node is entered.
SELECT DISTINCT split_part(topic, '/', 2) FROM telemetry.device WHERE decoder = 'sparkplug' AND starts_with(topic, 'spBv1.0/')

-- nodes: The edge nodes of a group.
SELECT topic, birth_death, sequence, online, missed, born_at, asked_at
FROM telemetry.sparkplug_node WHERE starts_with(topic, %(prefix)s)

-- births: What the nodes of a group and the devices behind them named at their births.
SELECT node, topic, datatypes, aliases FROM telemetry.sparkplug_birth WHERE starts_with(node, %(prefix)s)

-- save_node: Remember how far an edge node was heard.
INSERT INTO telemetry.sparkplug_node (topic, birth_death, sequence, online, missed, born_at, asked_at)
VALUES (%(topic)s, %(birth_death)s, %(sequence)s, %(online)s, %(missed)s, %(born_at)s, %(asked_at)s)
ON CONFLICT (topic) DO UPDATE SET birth_death = excluded.birth_death, sequence = excluded.sequence,
    online = excluded.online, missed = excluded.missed, born_at = excluded.born_at, asked_at = excluded.asked_at

-- save_birth: Remember what was named at a birth.
INSERT INTO telemetry.sparkplug_birth (topic, node, datatypes, aliases)
VALUES (%(topic)s, %(node)s, %(datatypes)s, %(aliases)s)
ON CONFLICT (topic) DO UPDATE SET node = excluded.node, datatypes = excluded.datatypes, aliases = excluded.aliases

-- forget_births: Of a node only these are still born.
DELETE FROM telemetry.sparkplug_birth WHERE node = %(node)s AND topic <> ALL (%(topics)s::text[])

-- elect: Be the one that hears a group, for as long as the connection lasts; false while another is.
SELECT pg_try_advisory_lock(hashtext('telemetry.sparkplug'), hashtext(%(group)s))
