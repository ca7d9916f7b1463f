"""Whose money came in: proposals by name and amount, for a person to confirm. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations

from billing.bank.files import Receipt
from billing.bank.kana import as_bank_writes
from coop.money import Yen

MOST_FEE_YEN = 1_000
"""No bank deducts more for a transfer within Japan."""
_PROPOSALS = 3
_LEGAL_FORMS = re.compile(r"\(?(?:ｶﾌﾞｼｷｶﾞｲｼﾔ|ｶﾌﾞｼｷｶｲｼﾔ|ﾕｳｹﾞﾝｶﾞｲｼﾔ|ｺﾞｳﾄﾞｳｶﾞｲｼﾔ)\)?|(?:^|\()(?:ｶ|ﾕ|ﾄﾞ|ｼ)\)|\((?:ｶ|ﾕ|ﾄﾞ|ｼ)\)?$")


@dataclass(frozen=True, slots=True)
class Payer:
    """A member with the names under which its money may come, and what it owes, due first coming first."""

    member_id: str
    names: tuple[str, ...]
    open_yen: tuple[Yen, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Whose money it may be: `named` by whom it came from, `statements` whose sum it is, `fee_yen` short of it."""

    member_id: str
    named: bool
    statements: int
    fee_yen: Yen

    @property
    def certain(self) -> bool:
        """Whether both the name and the amount say so."""
        return self.named and self.statements > 0 and self.fee_yen == 0


def propose(receipt: Receipt, payers: Iterable[Payer]) -> list[Proposal]:
    """At most three proposals, the likeliest first: name and sum, name and sum less a fee, name alone, sum alone."""
    name = bare(receipt.payer_kana)
    found = []
    for payer in payers:
        named = any(_same(name, bare(each)) for each in payer.names)
        statements, short = _covered(receipt.amount_yen, payer.open_yen, MOST_FEE_YEN if named else 0)
        if named or statements:
            found.append(Proposal(payer.member_id, named, statements, short))
    found.sort(key=lambda each: (not each.named, not each.statements, each.fee_yen, each.statements, each.member_id))
    return found[:_PROPOSALS]


def bare(name: str) -> str:
    """A name as banks write it, without spaces and legal form, so that ｶ)ｻﾄｳ and カブシキガイシャ　サトウ are one."""
    return _LEGAL_FORMS.sub("", as_bank_writes(name).replace(" ", ""))


def _same(name: str, other: str) -> bool:
    """Whether two names are one, as far as the shorter one goes: banks cut long names."""
    short, long = sorted((name, other), key=len)
    return short == long or (len(short) >= 6 and long.startswith(short))


def _covered(amount: Yen, open_yen: Sequence[Yen], most_fee: Yen) -> tuple[int, Yen]:
    """How many open statements the amount is the sum of, and by which fee it is short; (0, 0): of none."""
    sums = {total: count for count, total in reversed(list(enumerate(accumulate(open_yen), 1)))}
    for count in (2, 1):
        sums |= {sum(some): count for some in combinations(open_yen, count)}
    short = [total - amount for total in sums if 0 <= total - amount <= most_fee]
    return (sums[amount + min(short)], min(short)) if short else (0, 0)
