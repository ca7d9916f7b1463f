"""Sparkplug B's edge nodes: what depends on the order of their messages, so one elected process hears each group.

`node` decides what a birth, a death or a gap means, `ear` makes readings of a batch, `host` runs one ingester for each
group whose lock this process holds; the others wait for it.
"""
