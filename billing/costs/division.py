"""Who bears the costs of a pool: fees first where the rule says so, the rest by weight, leftover yen by remainder."""

from collections.abc import Mapping
from dataclasses import dataclass

from billing.model import Pool, PoolKind, PoolResult
from coop.money import Share, Yen, split_by_largest_remainder


@dataclass(frozen=True, slots=True)
class Division:
    """A pool's outcome and each member's share of what is divided; the shares sum to `result.charged_yen`."""

    result: PoolResult
    shares: Mapping[str, Share]


def divide(pool: Pool, cost_yen: Yen, income_yen: Yen, weights: Mapping[str, int]) -> Division:
    """Settle one pool: `income_yen` are the fees of its machines, `weights` the members' used seconds.

    - `fee`: the fees cover the cost; the balance is carried and nobody is charged.
    - `share`: the cost is divided; fees have nothing to do with it.
    - `mixed`: fees reduce the cost; what remains is divided, what exceeds is carried.

    Without any use nothing can be divided by use: the cost is carried as a deficit.
    """
    income_yen = 0 if pool.kind is PoolKind.SHARE else income_yen
    rest = 0 if pool.kind is PoolKind.FEE else max(cost_yen - income_yen, 0)
    users = {member: seconds for member, seconds in weights.items() if seconds > 0}
    shares = split_by_largest_remainder(rest, users) if rest and users else {}
    charged = sum(share.yen for share in shares.values())
    carried = income_yen + charged - cost_yen
    return Division(PoolResult(pool.id, pool.kind, cost_yen, income_yen, charged, carried), shares)
