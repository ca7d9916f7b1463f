"""What outsiders are told: tables by hand, and that nothing told adds up to what few members did."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop.disclosure import MEMBERS_AT_LEAST, Part, tellable, told_sums_only, whole, withheld
from coop.identity import Role, Viewer

parts = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(Part, st.integers(0, 9), st.frozensets(st.sampled_from("ABCDE"), max_size=5)),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("table", "hidden"),
    [
        ({"cmm": (90, "ABC"), "ct": (40, "ABCD")}, ""),  # everybody has company
        ({"cmm": (90, "ABC"), "ct": (40, "ABCD"), "hv": (5, "A")}, "ct hv"),  # 135 - 90 - 40 would say what A did
        ({"cmm": (90, "ABC"), "ct": (4, "B"), "hv": (5, "A")}, "cmm ct hv"),  # 99 - 90 would say it of A and B
        ({"cmm": (90, "ABC"), "ct": (4, "BC"), "hv": (5, "A")}, "ct hv"),  # together three stand behind them
        ({"cmm": (90, "ABC"), "ct": (0, ""), "hv": (0, "A")}, ""),  # nothing is nobody's
        ({"cmm": (7, "")}, "cmm"),  # nobody is named for it: it may be one
    ],
)
def test_small_tables(table: Mapping[str, tuple[int, str]], hidden: str) -> None:
    found = withheld({key: Part(amount, frozenset(members)) for key, (amount, members) in table.items()})
    assert " ".join(sorted(found)) == hidden


@given(parts)
def test_no_sum_of_what_few_members_did_can_be_computed(table: Mapping[str, Part]) -> None:
    """Linear algebra as the reader: a set of parts is known if its sum lies in the span of what is told."""
    keys = [key for key, part in table.items() if part.amount]
    told = [[float(key == each) for each in keys] for key in keys if key not in withheld(table)]
    if tellable(whole(table)):
        told.append([1.0] * len(keys))
    rank = np.linalg.matrix_rank(told) if told else 0
    for size in range(1, len(keys) + 1):
        for some in combinations(keys, size):
            asked = [float(key in some) for key in keys]
            if np.linalg.matrix_rank([*told, asked]) == rank:
                assert len(frozenset().union(*(table[key].members for key in some))) >= MEMBERS_AT_LEAST, some


@given(parts)
def test_nothing_is_withheld_without_need(table: Mapping[str, Part]) -> None:
    if all(tellable(part) for part in table.values()):
        assert withheld(table) == frozenset()
    assert all(table[key].amount for key in withheld(table))


def test_who_has_another_role_is_no_outsider() -> None:
    assert told_sums_only(Viewer(None, None, frozenset({Role.WARD})))
    assert not told_sums_only(Viewer(None, None, frozenset({Role.WARD, Role.AUDITOR})))
    assert not told_sums_only(Viewer(None, None, frozenset({Role.OFFICE})))
