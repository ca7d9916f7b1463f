-- What decoding knows besides the message.

-- speakers: The devices with how their messages are read, and what a Sparkplug device was born with.
SELECT d.address, d.topic, d.decoder, d.mapping, b.datatypes, b.aliases
FROM telemetry.device d
LEFT JOIN telemetry.sparkplug_birth b ON b.topic = d.topic
