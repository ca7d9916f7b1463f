"""Who pays what: from a month's usage and costs to statements that explain every yen.

Promises: `calculation.Settling` is pure, and draft, close and verify all go through it, so what was previewed is what
is charged; parts sum to the whole yen; each line carries the explanation that the calculation emitted; a close
freezes what it was computed from, chained by hash to the close before, and nothing in it changes afterwards; the
ledger is double-entry, append-only and balances.

What others call: `tariffs.edit`, `costs.edit`, `periods.settle` (draft, close), `periods.verify`, `explain.line`,
`tariffs.quote`, `store` (periods, statements, lines).
"""
