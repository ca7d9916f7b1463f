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

-- What a Sparkplug edge node said at its births, and how far it was heard: its data names metrics by number only. Written
-- by the one elected consumer of its group, in the transaction of the readings.
CREATE TABLE telemetry.sparkplug_node (
    topic text PRIMARY KEY,
    state jsonb NOT NULL CONSTRAINT sparkplug_node_state_is_an_object CHECK (jsonb_typeof(state) = 'object')
);
