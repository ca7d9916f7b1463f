"""What the owners of hosted machines are owed: the fees of the month less the cooperative's commission."""

from collections.abc import Mapping
from fractions import Fraction

from billing.costs.model import OwnerCredit
from billing.model import Rules, Tax
from coop.money import Yen, round_half_up


def owner_credits(rules: Rules, income: Mapping[str, Yen]) -> tuple[OwnerCredit, ...]:
    """By machine; `income` is what its uses were charged, tax-exclusive. The commission is rounded once per machine."""
    made = []
    for each in sorted(rules.hostings, key=lambda each: each.machine_id):
        fee = income.get(each.machine_id, 0)
        commission = round_half_up(Fraction(fee) * Fraction(each.commission_percent) / 100)
        if fee:
            made.append(
                OwnerCredit(
                    each.member_id,
                    each.machine_id,
                    fee,
                    each.commission_percent,
                    commission,
                    fee - commission,
                    Tax(each.tax).rate,
                )
            )
    return tuple(made)
