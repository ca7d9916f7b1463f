"""A month by other rules on the command line: the file that says them, and the table of who would pay what."""

from pathlib import Path

import yaml
from pydantic import ValidationError
from rich.table import Table

from billing.costs.api_compare import WhatIf
from billing.costs.compare import Comparison
from coop.errors import Invalid
from coop.messages import translate


class RuleFileInvalid(Invalid):
    """The file does not say rules as `POST /periods/{month}/what-if` takes them."""

    code = "billing.rule_file_invalid"


def read_what_if(path: Path) -> WhatIf:
    """The other rules of a YAML file; raises `RuleFileInvalid` with the first field that is wrong."""
    try:
        return WhatIf.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as unreadable:
        raise RuleFileInvalid(file=path.name, where="—", why=str(unreadable)) from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(each) for each in first["loc"]) or "—"
        raise RuleFileInvalid(file=path.name, where=where, why=first["msg"]) from None


def comparison_table(month: str, name: str, found: Comparison, lang: str) -> Table:
    """Each member's statement by the rules as they are and by the others, tax included."""
    table = Table(title=f"{month} {name}".strip())
    for column in ("member", "as_is", "what_if", "difference"):
        header = translate(f"billing.cli.{column}", lang)
        table.add_column(header, justify="left" if column == "member" else "right")
    for each in found.members:
        yen = (f"{each.as_is_yen:,}", f"{each.what_if_yen:,}", f"{each.difference_yen:+,}")
        table.add_row(each.member_id, *yen)
    return table
