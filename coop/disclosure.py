"""What outsiders are told of sums: nothing that fewer than three members stand behind, not even by subtraction.

The rule and why it is enough: docs/decisions/0021-what-the-ward-is-told.md. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coop.identity import Role, Viewer

MEMBERS_AT_LEAST = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a sum: how much, and whose. What nobody is named for counts as of no member."""

    amount: int
    members: frozenset[str] = frozenset()


def told_sums_only(viewer: Viewer) -> bool:
    """Whether the viewer is an outsider to whom this rule applies: of the ward, and nothing besides."""
    return viewer.roles == {Role.WARD}


def tellable(part: Part) -> bool:
    """Whether a figure may be told by itself: nothing was used, or enough members stand behind it."""
    return part.amount == 0 or len(part.members) >= MEMBERS_AT_LEAST


def withheld(parts: Mapping[str, Part]) -> frozenset[str]:
    """Which parts are not told beside each other and beside their whole.

    Those that may not be told by themselves; and, so that the whole less the others does not tell them, the smallest of
    the others (ties to the smaller key) until at least two are withheld that together have enough members. Where that
    cannot be, the whole has too few members itself and is not told either: ask `tellable(whole(parts))`.
    """
    hidden = {key for key, part in parts.items() if not tellable(part)}
    others = sorted((part.amount, key) for key, part in parts.items() if key not in hidden and part.amount)
    while hidden and (len(hidden) < 2 or len(_members(parts[key] for key in hidden)) < MEMBERS_AT_LEAST) and others:
        hidden.add(others.pop(0)[1])
    return frozenset(hidden)


def whole(parts: Mapping[str, Part]) -> Part:
    """All parts together."""
    return Part(sum(part.amount for part in parts.values()), _members(parts.values()))


def _members(parts: Iterable[Part]) -> frozenset[str]:
    return frozenset().union(*(part.members for part in parts if part.amount))
