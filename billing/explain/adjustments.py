"""The explanation of an adjustment in words: which closed month it is of, and how its amount came about."""

from collections.abc import Iterator

from billing.explain.phrases import duration
from billing.model import Line, Rules
from coop.messages import translate


def describe(line: Line, rules: Rules, locale: str) -> str:
    """Which month and what in it is adjusted, and why."""
    said = line.explanation
    reason = translate(f"billing.adjustment.{said['reason']}", locale)
    name = rules.name(line, locale)
    return translate("billing.line.adjustment_of", locale, month=said["source_month"], name=name, reason=reason)


def sentences(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    """One sentence with the numbers that the adjustment was made from."""
    said = line.explanation
    adjustment = next(each for each in rules.adjustments if str(each.id) == said["adjustment_id"])
    yield translate(
        f"billing.explain.{said['reason']}",
        locale,
        source=said["source_month"] + (f" #{said['source_n']}" if said["source_n"] else ""),
        name=rules.name(line, locale),
        seconds=("−" if line.quantity_seconds < 0 else "") + duration(abs(line.quantity_seconds), locale),
        was=f"{said.get('was_yen', 0):,}",
        now=f"{said.get('now_yen', 0):,}",
        rate=f"{float(said.get('yen_per_hour', 0)):,.2f}",
        before=f"{said.get('adjusted_yen', 0):,}",
        yen=f"{line.amount_yen:,}",
        note=adjustment.note or "—",
    )
