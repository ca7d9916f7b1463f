"""What the machines did: what their devices report, and the usage that follows from it.

Promises: a message is acknowledged only after its readings are committed, so what the broker acknowledged to a machine
is stored, once; what cannot be read is kept with its bytes and a reason. A reading stays as the device stated it.
State comes from stored readings alone: in whatever order they arrive, the same running, idle and unknown follow.
A person's decision is an input that survives each recomputation.

Modules are imported by their own name (`from telemetry.ingest.ingester import Ingester`); nothing is re-exported here.
"""
