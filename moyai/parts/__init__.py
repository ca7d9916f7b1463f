"""The embedded parts: a PostgreSQL and an MQTT broker out of wheels, for a machine that has neither.

Both keep their data durably in a folder, listen on the loopback address only, and outlive the process that started
them: whoever starts them next on the same folder adopts what still runs.
"""
