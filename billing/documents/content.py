"""What stands on a document, as the template takes it: words and figures in one language. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_skeleton

from billing.documents.model import Document, Issuer, Kind, Recipient
from billing.explain.phrases import duration
from billing.explain.wording import describe
from billing.model import Line, LineKind, Rules, TaxTotal
from coop.messages import translate
from coop.money import Yen

WORDS = (
    "registration", "tax_included", "due_label", "what", "quantity", "rate", "amount_net", "net", "tax",
    "gross", "sum", "pay_to_label", "pay_to_note", "appendix", "day", "machine", "booked", "occupied", "running",
    "basis", "yen", "trace", "trace_note",
)  # fmt: skip
COUNTED = frozenset({LineKind.CONSUMABLE})


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a document charges, returns or buys."""

    what: str
    amount_yen: Yen
    tax_rate: Decimal | None
    quantity: str = ""
    note: str = ""


def rows_of(lines: Iterable[Line], rules: Rules, locale: str) -> list[Row]:
    """The lines of a statement, those of the same thing at the same rate in one; each use is in the appendix."""
    same: dict[tuple[str, Decimal | None], list[Line]] = {}
    for line in lines:
        same.setdefault((describe(line, rules, locale), line.tax_rate), []).append(line)
    return [
        Row(
            what,
            sum(line.amount_yen for line in together),
            rate,
            _quantity(together, locale),
            _say("uses", locale, n=len(together)) if together[0].interval else "",
        )
        for (what, rate), together in same.items()
    ]


def compose(
    document: Document,
    issuer: Issuer,
    recipient: Recipient,
    rows: Sequence[Row],
    locale: str,
    *,
    uses: Sequence[Mapping[str, Any]] = (),
    notices: Sequence[str] = (),
    named: Document | None = None,
) -> dict[str, Any]:
    """A document in words. `named` is the one that it corrects or returns from; `uses` are its appendix."""
    corrected = "corrected_" if document.supersedes else ""
    kind = "credit" if document.kind is Kind.INVOICE and document.total_yen < 0 else document.kind.value
    period = _period(document, locale)
    words = {word: _say(f"word.{word}", locale) for word in WORDS}
    return {
        "lang": locale,
        "words": words | {"total_label": _say(f"total.{kind}", locale)},
        "title": _say(f"title.{corrected}{kind}", locale),
        "subtitle": _say(f"subtitle.{corrected}{kind}", locale) if document.qualified else "",
        "number": document.number,
        "period": period,
        "issuer": {
            "name": issuer.name,
            "number": issuer.invoice_number,
            "address": issuer.address,
            "contact": issuer.contact,
            "pay_to": issuer.pay_to if document.kind is Kind.INVOICE and document.due_on else "",
        },
        "recipient": {
            "name": recipient.name,
            "addressed": _say("to", locale, name=recipient.name),
            "address": recipient.address,
            "number": recipient.invoice_number if document.kind is Kind.PURCHASE else None,
        },
        "greeting": _say(f"greeting.{kind}", locale),
        "remarks": _remarks(document, named, locale),
        "facts": [
            [_say("word.number", locale), document.number],
            [_say("word.issued_on", locale), _date(document.issued_on, locale)],
            [_say("word.period", locale), period],
        ],
        "total": _yen(document.total_yen),
        "net": _yen(document.net_yen),
        "tax": _yen(document.tax_yen),
        "due": _date(document.due_on, locale) if document.due_on else None,
        "rows": [
            {
                "what": row.what,
                "note": row.note,
                "quantity": row.quantity,
                "rate": _rate(row.tax_rate, locale),
                "amount": f"{row.amount_yen:,}",
            }
            for row in rows
        ],
        "taxes": [_tax(each, locale) for each in document.taxes],
        "notes": [_say("note.rounded_once", locale), *notices],
        "uses": list(uses),
    }


def _remarks(document: Document, named: Document | None, locale: str) -> list[str]:
    reason = [_say("remark.reason", locale, reason=document.reason)] if document.reason else []
    if named is None:
        return reason
    says = "remark.corrects" if document.supersedes else "remark.returns"
    told = {"number": named.number, "date": _date(named.issued_on, locale)}
    return [_say(says, locale, **told, period=_period(named, locale)), *reason]


def _period(document: Document, locale: str) -> str:
    """The month that a document is of, or the twelve months of a refund, which end with it."""
    last = _first(document.month)
    until = format_skeleton("yMMMM", last, locale=locale)
    if document.refund_year is None:
        return until
    first = date(last.year - (last.month < 12), last.month % 12 + 1, 1)
    return _say("months", locale, first=format_skeleton("yMMMM", first, locale=locale), last=until)


def _quantity(lines: Sequence[Line], locale: str) -> str:
    if lines[0].kind in COUNTED:
        return _say("pieces", locale, n=sum(line.explanation["count"] for line in lines))
    if lines[0].interval is None:
        return ""
    return duration(sum(line.quantity_seconds for line in lines), locale)


def _tax(total: TaxTotal, locale: str) -> dict[str, str]:
    return {
        "what": _say("at_rate", locale, rate=_rate(total.rate, locale)) if total.rate else _say("untaxed", locale),
        "net": f"{total.net_yen:,}",
        "tax": f"{total.tax_yen:,}" if total.rate else "—",
        "gross": f"{total.net_yen + total.tax_yen:,}",
    }


def _rate(rate: Decimal | None, locale: str) -> str:
    return _say("no_tax", locale) if rate is None else f"{(rate * 100).normalize():f}%"


def _yen(yen: Yen) -> str:
    return f"¥{yen:,}" if yen >= 0 else f"-¥{-yen:,}"


def _date(day: date, locale: str) -> str:
    return format_date(day, format="long", locale=locale)


def _first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _say(key: str, locale: str, **params: object) -> str:
    return translate(f"billing.document.{key}", locale, **params)
