"""The closing workbook of every rule: what LibreOffice computes from its inputs is what the calculation charged."""

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from openpyxl import load_workbook

from billing import calculation
from billing.costs.model import Actual, Allocation, Carry, Hosting, Measure, Participant, Weight
from billing.explain.workbook import Writer
from billing.model import Cost, MachineMonth, Pool, PoolKind, Rules
from billing.periods.evidence import canonical, read_rules
from tests.billing.ground import name
from tests.billing.test_settlement import tariff, use

MEMBERS = ("m01", "m02", "m03")
ROOM = Pool("room", PoolKind.SHARE, "測定室", "Room")
POOLS = (
    replace(ROOM, id="by-use"),
    replace(ROOM, id="equal", allocation=Allocation.EQUAL, variable_kinds=("power",)),
    replace(ROOM, id="hybrid", allocation=Allocation.BY_COMMITMENT, alpha=Decimal("0.3"), rest_by=Allocation.BY_USE),
    replace(ROOM, id="deficit", allocation=Allocation.BY_UNITS, carry=Carry.DIVIDED, brought_yen=-501),
    replace(ROOM, id="mixed", kind=PoolKind.MIXED, machine_ids=("cmm-1",), carry=Carry.DIVIDED, brought_yen=77),
)


def test_every_rule_is_computed_again(recalculated: Callable[[bytes], bytes]) -> None:
    costs = [(pool.id, kind, yen) for pool in POOLS for kind, yen in (("rent", 100_000), ("power", 7_919))]
    late = Actual(
        name("late"), name("c"), "2026-09", "equal", "rent", 1_000, 900, weights={"fixed": {"m01": "1", "m02": "2/3"}}
    )
    rules = Rules(
        "2026-10",
        "Asia/Tokyo",
        tariffs=(replace(tariff(1_001), setup_yen=333),),
        pools=POOLS,
        costs=tuple(Cost(name(*each), each[0], each[1], each[2], "=cmd()") for each in costs),
        members=tuple(Participant(member, units) for member, units in zip(MEMBERS, (1, 3, 7), strict=True)),
        weights=(Weight("m01", Measure.COMMITMENT, Decimal("2.5")), Weight("m03", Measure.COMMITMENT, Decimal(4))),
        actuals=(late,),
        hostings=(Hosting(name("h"), "cmm-1", "m02", Decimal("12.5")),),
    )
    usages = (use("10-01 00:00 01:07", "m01"), use("10-02 00:00 02:00", "m02"), use("10-03 09:00 09:31", "m02"))
    months = [MachineMonth("cmm-1", usages)]
    settlement, lines = calculation.settle(read_rules(canonical(rules)), months)
    assert {line.explanation.get("part") for line in lines if line.pool_id} == {"fixed", "variable", None}
    taxes = {(each.member_id, tax.rate): tax.tax_yen for each in settlement.statements for tax in each.taxes}
    book = load_workbook(io.BytesIO(recalculated(Writer(rules, "ja").write(lines, months, taxes))), data_only=True)
    computed = {row[:2]: row[6] for row in book["明細"].iter_rows(min_row=2, values_only=True)}
    assert computed == {(line.member_id, line.n): line.amount_yen for line in lines}
    assert [row[-1] for row in book["請求と消費税"].iter_rows(values_only=True)][-1] == 0
    assert all(row[3] == "=cmd()" for row in book["費用"].iter_rows(min_row=2, values_only=True))
