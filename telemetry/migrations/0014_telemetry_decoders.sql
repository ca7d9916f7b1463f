-- How each device's messages are read: by which decoder, under which topic, with which names.

ALTER TABLE telemetry.device
    DROP CONSTRAINT device_decoder_known,
    ADD CONSTRAINT device_decoder_is_a_name CHECK (decoder ~ '^[a-z][a-z0-9_]{0,30}$'),
    ADD COLUMN topic text
        CONSTRAINT device_topic_is_unique UNIQUE
        CONSTRAINT device_topic_is_plain CHECK (topic ~ '^[^/+#[:cntrl:]]+(/[^/+#[:cntrl:]]+)*$' AND length(topic) <= 200)
        CONSTRAINT device_topic_is_not_ours CHECK (topic !~ '^(moyai|\$[^/]*)(/|$)'),
    ADD COLUMN mapping jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT device_mapping_is_an_object CHECK (jsonb_typeof(mapping) = 'object');

COMMENT ON COLUMN telemetry.device.topic IS
    'the levels its topics begin with when it cannot speak under moyai/<coop>/<address>; Sparkplug: without the message type';

COMMENT ON COLUMN telemetry.device.mapping IS 'which channel a name of the device''s own is; each decoder says what it reads';

-- How far each Sparkplug edge node was heard. Written by the one elected consumer of its group, in the transaction of
-- the readings.
CREATE TABLE telemetry.sparkplug_node (
    topic       text PRIMARY KEY,
    birth_death bigint,
    sequence    integer CONSTRAINT sparkplug_node_sequence_is_a_byte CHECK (sequence BETWEEN 0 AND 255),
    online      boolean NOT NULL,
    missed      boolean NOT NULL,
    born_at     bigint,
    asked_at    timestamptz
);

COMMENT ON COLUMN telemetry.sparkplug_node.topic IS 'without the message type: spBv1.0/<group>/<edge node>';

COMMENT ON COLUMN telemetry.sparkplug_node.birth_death IS 'the bdSeq of its birth: a death with another one is of an earlier connection';

COMMENT ON COLUMN telemetry.sparkplug_node.born_at IS 'its clock at its birth, milliseconds since 1970: a birth that comes again is known by it';

COMMENT ON COLUMN telemetry.sparkplug_node.missed IS 'a message since its birth was not heard';

COMMENT ON COLUMN telemetry.sparkplug_node.asked_at IS 'when it was last asked to be born again, until it was';

-- What an edge node or a device behind it named at its birth: its data names metrics by number only.
CREATE TABLE telemetry.sparkplug_birth (
    topic     text PRIMARY KEY,
    node      text NOT NULL CONSTRAINT sparkplug_birth_node_exists REFERENCES telemetry.sparkplug_node (topic),
    datatypes jsonb NOT NULL,
    aliases   jsonb NOT NULL
);

CREATE INDEX sparkplug_birth_by_node ON telemetry.sparkplug_birth (node);
