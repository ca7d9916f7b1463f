"""A machine's message on its way in.

`intake` takes it from the broker, `ingester` decodes a batch and commits it in one transaction by `store`, and only
then it is acknowledged. What cannot be taken is kept (`rejects`) and can be replayed (`replay`).
"""
