"""What pools cost in a month: what was entered, what returns, what is written down, and what became known later."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid5

from billing.costs import depreciation
from billing.costs.model import Actual
from billing.model import Cost, Pool, Rules
from coop.interval import parse_month
from coop.money import Yen

_NAMESPACE = UUID("5f0d4a0e-94a6-4c3c-8a5e-6a8b9c1f7d22")


def costs_of(rules: Rules) -> tuple[Cost, ...]:
    """The costs of the month by pool and kind, with ids that stay; one that turned out otherwise as it turned out."""
    known = {each.cost_id: each.amount_yen for each in rules.actuals if each.of_month == rules.month}
    found = (*rules.costs, *_recurring(rules), *_written_down(rules))
    return tuple(
        sorted(
            (replace(c, amount_yen=known[c.id], estimated=False) if c.id in known else c for c in found),
            key=lambda cost: (cost.pool_id, cost.kind, cost.id),
        )
    )


def late(rules: Rules, pool: Pool) -> Iterator[tuple[Actual, Yen]]:
    """What became known of closed months about a pool, with the differences; fees alone pay a pool of fees."""
    for each in sorted(rules.actuals, key=lambda each: each.id):
        if each.pool_id == pool.id and each.of_month != rules.month and each.amount_yen != each.before_yen:
            yield each, each.amount_yen - each.before_yen


def _recurring(rules: Rules) -> Iterator[Cost]:
    for each in rules.recurring:
        yield Cost(
            uuid5(_NAMESPACE, f"{rules.month}:{each.id}"),
            each.pool_id,
            each.kind,
            each.yen_per_month,
            each.note,
            each.machine_id,
            each.estimated,
        )


def _written_down(rules: Rules) -> Iterator[Cost]:
    first = date(*parse_month(rules.month), 1)
    for each in rules.assets:
        yen = depreciation.month(each, first)
        if yen:
            identifier = uuid5(_NAMESPACE, f"{rules.month}:{each.id}")
            yield Cost(identifier, each.pool_id, "depreciation", yen, each.name_ja, each.machine_id)
