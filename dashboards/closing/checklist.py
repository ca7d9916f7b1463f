"""The checklist of a month: nine steps from the machines' reports to the last yen paid, and where each stands. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from billing.documents.model import Progress
from billing.model import Finding, Period, Status
from billing.periods.settle import UNAPPROVED
from coop.money import Yen


class Stands(StrEnum):
    """Where a step stands: nothing is left, it stops the close, a person should look, it waits for one, not yet."""

    DONE = "done"
    STOPS = "stops"
    LOOK = "look"
    WAITS = "waits"
    LATER = "later"


PLACES = {
    "billing.finding.underived": ("signals", "/devices"),
    "billing.finding.unassigned": ("use", "/problems"),
    "billing.finding.queue": ("use", "/problems"),
    "billing.finding.late_unassigned": ("use", "/problems"),
    "billing.finding.no_tariff": ("rules", "/office/tariffs"),
    "billing.finding.no_price": ("rules", "/office/tariffs"),
    "billing.finding.unregistered": ("rules", "/documents/issuer"),
    "billing.finding.no_use": ("rules", "/office/costs"),
    "billing.finding.no_weight": ("rules", "/office/costs"),
}
"""For each kind of finding the step that it belongs to, and where it is put right."""
ELSEWHERE = ("rules", "/office/costs")


@dataclass(frozen=True, slots=True)
class Step:
    """One step with what was found about it."""

    key: str
    stands: Stands
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What became of a closed month. `issue` None: nobody has asked for its documents."""

    issue: Progress | None
    mailed: int
    documents: int
    open_yen: Yen


def checklist(period: Period, silent_machines: int, afterwards: Afterwards, *, approval_needed: bool) -> list[Step]:
    """The steps of a drafted or closed month, in their order."""
    if period.status.final:
        return [*_before(period, silent_machines, approval_needed=approval_needed), *_after(period, afterwards)]
    before = _before(period, silent_machines, approval_needed=approval_needed)
    later = [Step(key, Stands.LATER) for key in ("issue", "send", "paid")]
    ready = not any(each.stands is Stands.STOPS for each in before)
    waits = approval_needed and period.status is not Status.APPROVED
    return [*before, Step("close", Stands.WAITS if ready and not waits else Stands.LATER), *later]


def following(steps: Sequence[Step]) -> Step | None:
    """The step that a person takes next; None when all is done."""
    return next((each for each in steps if each.stands in {Stands.STOPS, Stands.WAITS}), None)


def _before(period: Period, silent_machines: int, *, approval_needed: bool) -> list[Step]:
    if period.status.final:
        done = [Step(key, Stands.DONE) for key in ("signals", "use", "rules", "change", "approval", "close")]
        return [replace(each, findings=_found(period, each.key)) for each in done]
    steps = [_of(key, period) for key in ("signals", "use", "rules")]
    if silent_machines and steps[0].stands is Stands.DONE:
        steps[0] = replace(steps[0], stands=Stands.LOOK)
    approved = period.status is Status.APPROVED
    waits = Stands.WAITS if approval_needed else Stands.LOOK
    stopped = any(each.stands is Stands.STOPS for each in steps)
    steps.append(Step("change", Stands.DONE if approved else Stands.LOOK))
    steps.append(Step("approval", Stands.DONE if approved else Stands.LATER if stopped else waits))
    return steps


def _after(period: Period, afterwards: Afterwards) -> list[Step]:
    issue = afterwards.issue
    issued = issue is not None and issue.finished
    send, paid = Stands.LATER, Stands.LATER
    if issued:
        send = Stands.DONE if afterwards.mailed == afterwards.documents else Stands.LOOK
        paid = Stands.DONE if period.status is Status.SETTLED else Stands.WAITS
    return [Step("issue", Stands.DONE if issued else Stands.WAITS), Step("send", send), Step("paid", paid)]


def _of(key: str, period: Period) -> Step:
    found = _found(period, key)
    if any(each.blocks for each in found):
        return Step(key, Stands.STOPS, found)
    return Step(key, Stands.LOOK if found else Stands.DONE, found)


def _found(period: Period, key: str) -> tuple[Finding, ...]:
    found = (each for each in period.findings if each.code != UNAPPROVED)
    return tuple(each for each in found if PLACES.get(each.code, ELSEWHERE)[0] == key)
