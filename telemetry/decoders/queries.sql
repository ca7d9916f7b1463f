-- What decoding knows besides the message.

-- speakers: The devices with how their messages are read.
SELECT address, topic, decoder, mapping FROM telemetry.device
