"""The closing workbook: a month as a spreadsheet that computes every fee, share and tax again from its inputs.

Inputs are values (usages, prices, seconds at each price, costs); what is owed is a formula, beside what the statements
say and the difference of both, which must be zero. An auditor may change an input and see what follows.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from math import gcd, lcm
from typing import Any, TypeAlias

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from billing import store
from billing.costs.division import FIXED, VARIABLE
from billing.costs.model import Carry
from billing.costs.monthly import costs_of
from billing.explain.line import machine_month, rules
from billing.model import Cost, Line, MachineMonth, Pool, PoolKind, Rules, Usage
from billing.periods.evidence import MACHINE
from billing.periods.settle import PeriodUnknown, period
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.messages import translate

SHEETS = ("lines", "usages", "parts", "costs", "pools", "shares", "statements")
Value: TypeAlias = str | int | datetime | None


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that computes; every other text is text, whatever it begins with."""

    text: str


Row: TypeAlias = Sequence[Value | Formula]


def workbook(conn: Connection, viewer: Viewer, month: str, locale: str) -> bytes:
    """The XLSX of a drafted or closed month; raises `PeriodUnknown`."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    if period(conn, month).drafted_at is None:
        raise PeriodUnknown(month=month)
    parts = store.evidence_parts(conn, month)
    machines = [machine_month(conn, month, part.removeprefix(MACHINE)) for part in parts if part.startswith(MACHINE)]
    lines = [
        line for name in [*(each.machine_id for each in machines), None] for line in store.lines_of(conn, month, name)
    ]
    issued = store.statements(conn, viewer, month=month)
    owed = {(each.statement.member_id, tax.rate): tax.tax_yen for each in issued for tax in each.statement.taxes}
    return Writer(rules(conn, month), locale).write(lines, machines, owed)


class Writer:
    """Writes one month; each sheet knows the rows of those it refers to."""

    def __init__(self, of: Rules, locale: str) -> None:
        self._rules = of
        self._locale = locale
        self._titles = {name: self._say(name) for name in SHEETS}
        self._book = Workbook()
        self._book.remove(self._book.worksheets[0])
        self._sheets = {name: self._book.create_sheet(title) for name, title in self._titles.items()}

    def write(
        self, lines: Sequence[Line], machines: Sequence[MachineMonth], taxes: Mapping[tuple[str, Any], int]
    ) -> bytes:
        """The bytes of the file. `taxes` is what each member was billed at each rate."""
        ordered = sorted(lines, key=lambda line: (line.member_id, line.n))
        used = self._usages(ordered, machines)
        parts = self._parts(ordered)
        divided = self._pools(self._costs(), ordered, len(ordered) + 1)
        shared = [line for line in ordered if line.pool_id and line.explanation.keys() & {"weights", "weight"}]
        shares = self._shares(shared, divided, used)
        self._lines(ordered, parts, shares)
        self._statements(taxes, len(ordered) + 1)
        out = io.BytesIO()
        self._book.save(out)
        return out.getvalue()

    def _usages(self, lines: Iterable[Line], machines: Iterable[MachineMonth]) -> dict[tuple[str, str], str]:
        """Every charged usage with its seconds; where those of a member on a machine stand."""
        line_of = {(line.member_id, key): line.n for line in lines for key in line.explanation.get("usages", ())}
        charged = [each for month in machines for each in month.usages if each.charged]
        charged.sort(key=_owner)
        self._head("usages", "member", "machine", "line", "usage", "start_utc", "end_utc", "seconds", "running_seconds")
        ranges: dict[tuple[str, str], str] = {}
        row = 2
        for (member, machine), group in groupby(charged, key=lambda each: (each.member_id or "", each.machine_id)):
            first = row
            for each in group:
                start, end = (at.replace(tzinfo=None) for at in (each.interval.start, each.interval.end))
                seconds = Formula(f"ROUND((F{row}-E{row})*86400,0)")
                n = line_of.get((member, each.id))
                self._append("usages", [member, machine, n, each.id, start, end, seconds, each.running_seconds])
                row += 1
            ranges[member, machine] = self._range("usages", "G", first, row - 1)
        return ranges

    def _parts(self, lines: Iterable[Line]) -> dict[tuple[str, int], str]:
        """Seconds at each price; where the parts of a line stand."""
        versions = {str(each.id): each for each in self._rules.tariffs}
        self._head("parts", "member", "line", "tariff_from", "resolution", "seconds", "yen_per_hour", "product")
        ranges: dict[tuple[str, int], str] = {}
        row = 2
        for line in (each for each in lines if each.machine_id and each.explanation.get("parts")):
            first = row
            for part in line.explanation["parts"]:
                version = versions[part["tariff_id"]]
                self._append(
                    "parts",
                    [line.member_id, line.n, version.valid_from.isoformat(), version.resolution, part["seconds"],
                     part["yen_per_hour"], Formula(f"E{row}*F{row}")],
                )  # fmt: skip
                row += 1
            ranges[line.member_id, line.n] = self._range("parts", "G", first, row - 1)
        return ranges

    def _costs(self) -> dict[tuple[str, str], str]:
        """What was paid; where the fixed and the variable costs of a pool stand."""
        self._head("costs", "pool", "part", "kind", "note", "yen")
        variable = {pool.id: pool.variable_kinds for pool in self._rules.pools}
        costs = [
            (each.pool_id, VARIABLE if each.kind in variable[each.pool_id] else FIXED, each)
            for each in costs_of(self._rules)
        ]
        ranges: dict[tuple[str, str], str] = {}
        row = 2
        for key, group in groupby(sorted(costs, key=lambda each: (*each[:2], each[2].kind, str(each[2].id))), _key):
            first = row
            for pool_id, part, each in group:
                self._append("costs", [pool_id, part, each.kind, each.note, each.amount_yen])
                row += 1
            ranges[key] = self._range("costs", "E", first, row - 1)
        return ranges

    def _pools(
        self, costs: Mapping[tuple[str, str], str], lines: Sequence[Line], last: int
    ) -> dict[tuple[str, str], str]:
        """What fees and the balance brought forward leave of each part of a pool; where that stands.

        Fees and a surplus reduce the variable costs first; a deficit is one more fixed cost.
        """
        earned = sorted({line.machine_id for line in lines if line.machine_id is not None})
        self._head("pools", "pool", "part", "name", "cost", "fees", "by_fees", "balance", "by_balance", "divided")
        cells: dict[tuple[str, str], str] = {}
        row = 2
        for pool in sorted(self._rules.pools, key=lambda each: each.id):
            brought = pool.brought_yen if pool.carry is Carry.DIVIDED else 0
            for part in (VARIABLE, FIXED):
                cost = Formula(f"SUM({costs[pool.id, part]})") if (pool.id, part) in costs else 0
                fees: Formula | int = self._income(pool, earned, last)
                balance: Formula | int = max(brought, 0)
                deficit = ""
                if part == FIXED:
                    fees, balance = Formula(f"E{row - 1}-F{row - 1}"), Formula(f"G{row - 1}-H{row - 1}")
                    deficit = f"+{min(brought, 0)}"
                rest = "0" if pool.kind is PoolKind.FEE else f"D{row}-F{row}-H{row}"
                self._append(
                    "pools",
                    [
                        pool.id, part, pool.name_ja, cost, fees, Formula(f"MIN(E{row},D{row})"), balance,
                        Formula(f"MIN(G{row},D{row}-F{row}){deficit}"), Formula(rest),
                    ],
                )  # fmt: skip
                cells[pool.id, part] = f"{self._ref('pools')}$I${row}"
                row += 1
        return cells

    def _income(self, pool: Pool, earned: Iterable[str], last: int) -> Formula | int:
        of, kinds, yen = (self._range("lines", column, 2, last) for column in "DCG")
        commission = {each.machine_id: f"*{each.commission_percent}/100" for each in self._rules.hostings}
        sums = [
            f'ROUND(SUMIFS({yen},{of},"{machine}",{kinds},"<>adjustment"){commission.get(machine, "")},0)'
            for machine in earned
            if pool.counts(machine)
        ]
        return Formula("+".join(sums)) if sums and pool.kind is not PoolKind.SHARE else 0

    def _shares(
        self, lines: Iterable[Line], divided: Mapping[tuple[str, str], str], used: Mapping[tuple[str, str], str]
    ) -> dict[tuple[str, int], str]:
        """Largest remainders, each step in a column; where the share of a line stands."""
        self._head(
            "shares", "pool", "part", "member", "weight", "product", "remainder", "floor", "rank", "leftover", "yen"
        )
        cells: dict[tuple[str, int], str] = {}
        row = 2
        for key, group in groupby(sorted(lines, key=lambda line: (*_division(line), line.member_id)), _division):
            members = list(group)
            first, last = row, row + len(members) - 1
            late = members[0].explanation.get("actual_id")
            amount = str(abs(members[0].explanation["divided_yen"])) if late else divided[key]
            sign = "-" if members[0].explanation["divided_yen"] < 0 else ""
            total, remainders = f"SUM(D${first}:D${last})", f"F${first}:F${last}"
            for line, weight in zip(members, self._weights(members, used), strict=True):
                ahead = f"SUMPRODUCT(({remainders}>F{row})+({remainders}=F{row})*(ROW({remainders})<ROW()))"
                self._append(
                    "shares",
                    [
                        *key, line.member_id, weight, Formula(f"{amount}*D{row}"), Formula(f"MOD(E{row},{total})"),
                        Formula(f"(E{row}-F{row})/{total}"), Formula(f"1+{ahead}"),
                        Formula(f"IF(H{row}<={amount}-SUM(G${first}:G${last}),1,0)"), Formula(f"{sign}(G{row}+I{row})"),
                    ],
                )  # fmt: skip
                cells[line.member_id, line.n] = f"{self._ref('shares')}$J${row}"
                row += 1
        return cells

    def _weights(self, members: Sequence[Line], used: Mapping[tuple[str, str], str]) -> Iterator[Formula | int]:
        """Each member's weight as a whole number: what is measured, times what makes blended measures comparable."""
        if "weights" not in members[0].explanation:
            yield from _whole([Fraction(line.explanation["weight"]) for line in members])
            return
        measures = [
            [Fraction(line.explanation["weights"][n]["value"]) for line in members]
            for n in range(len(members[0].explanation["weights"]))
        ]
        said = members[0].explanation["weights"]
        factors = (
            [Fraction(each["part"]) / Fraction(each["total"]) for each in said] if len(said) > 1 else [Fraction(1)]
        )
        finest = [lcm(*(value.denominator for value in values)) for values in measures]
        scales = _whole([factor / fine for factor, fine in zip(factors, finest, strict=True)])
        for row, line in enumerate(members):
            terms = []
            for each, values, fine, scale in zip(said, measures, finest, scales, strict=True):
                measured = str(int(values[row] * fine))
                if each["by"] == "by_use":
                    keys = ((line.member_id, machine) for machine in line.explanation["machines"])
                    measured = "(" + "+".join(["0", *(f"SUM({used[key]})" for key in keys if key in used)]) + ")"
                terms.append(f"{measured}*{scale}")
            yield Formula("+".join(terms))

    def _lines(
        self,
        lines: Iterable[Line],
        parts: Mapping[tuple[str, int], str],
        shares: Mapping[tuple[str, int], str],
    ) -> None:
        """Every line of every statement: computed, as billed, and the difference."""
        self._head(
            "lines", "member", "line", "kind", "of", "tax_percent", "setup_yen", "computed", "billed", "difference"
        )
        for row, line in enumerate(lines, 2):
            key = (line.member_id, line.n)
            said = line.explanation
            computed: Value | Formula = line.amount_yen
            if key in shares:
                computed = Formula(shares[key])
            elif key in parts:
                percent = f"*{said['percent']}/100" if "percent" in said else ""
                computed = Formula(f"ROUND((SUM({parts[key]})+3600*F{row}){percent}/3600,0)")
            elif line.kind == "consumable":
                computed = Formula(f"{said['count']}*{said['yen_each']}")
            self._append(
                "lines",
                [
                    line.member_id, line.n, line.kind.value, line.machine_id or line.pool_id, _percent(line.tax_rate),
                    said.get("setup_yen", 0), computed, line.amount_yen, Formula(f"G{row}-H{row}"),
                ],
            )  # fmt: skip

    def _statements(self, taxes: Mapping[tuple[str, Any], int], last: int) -> None:
        """Tax, rounded once per rate; and the sum of all differences, which says whether everything agrees."""
        self._head("statements", "member", "tax_percent", "net", "tax", "total", "billed_tax", "difference")
        members, rates, yen = (self._range("lines", column, 2, last) for column in "AEG")
        row = 1
        for (member, rate), billed in sorted(taxes.items(), key=lambda each: (each[0][0], str(each[0][1]))):
            row += 1
            net = Formula(f"SUMIFS({yen},{members},A{row},{rates},B{row})")
            tax = Formula(f"IF(ISNUMBER(B{row}),INT(C{row}*B{row}/100),0)")
            cells = [member, _percent(rate), net, tax, Formula(f"C{row}+D{row}"), billed, Formula(f"D{row}-F{row}")]
            self._append("statements", cells)
        differences = self._range("lines", "I", 2, last)
        checks = Formula(f"SUMPRODUCT(ABS({differences}))+SUMPRODUCT(ABS(G2:G{max(row, 2)}))")
        self._append("statements", [self._say("all_differences"), None, None, None, None, None, checks])

    def _say(self, name: str) -> str:
        return translate(f"billing.workbook.{name}", self._locale)

    def _head(self, sheet: str, *names: str) -> None:
        of = self._sheets[sheet]
        self._append(sheet, [self._say(f"column.{name}") for name in names])
        for column in range(1, len(names) + 1):
            of.cell(1, column).font = Font(bold=True)
            of.column_dimensions[get_column_letter(column)].width = 18
        of.freeze_panes = "A2"

    def _append(self, sheet: str, cells: Row) -> None:
        of: Worksheet = self._sheets[sheet]
        row = of.max_row + 1 if of.cell(1, 1).value is not None else 1
        for column, value in enumerate(cells, 1):
            cell = of.cell(row, column, f"={value.text}" if isinstance(value, Formula) else value)
            if isinstance(value, str):
                cell.data_type = "s"

    def _ref(self, sheet: str) -> str:
        return f"'{self._titles[sheet]}'!"

    def _range(self, sheet: str, column: str, first: int, last: int) -> str:
        return f"{self._ref(sheet)}${column}${first}:${column}${max(last, first)}"


def _percent(rate: Any) -> int | str:
    return "—" if rate is None else int(rate * 100)


def _owner(usage: Usage) -> tuple[object, ...]:
    return (usage.member_id, usage.machine_id, usage.interval.start, usage.id)


def _key(cost: tuple[str, str, Cost]) -> tuple[str, str]:
    return cost[0], cost[1]


def _division(line: Line) -> tuple[str, str]:
    """What a line is a share of: a part of a pool, or what became known later of one."""
    assert line.pool_id is not None
    said = line.explanation
    return line.pool_id, said.get("actual_id") or said["part"]


def _whole(values: Sequence[Fraction]) -> list[int]:
    """Numbers in the same proportions without fractions."""
    scale = lcm(*(value.denominator for value in values))
    whole = [int(value * scale) for value in values]
    return [value // (gcd(*whole) or 1) for value in whole]
