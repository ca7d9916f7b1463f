"""What every benchmark prints as its last line: our figure, the reference of the same run, and their ratio."""

import json
import sys
from statistics import median

QUICK = "--quick" in sys.argv[1:]
"""A smoke test: everything runs, on so little that the figures mean nothing."""


def outcome(name: str, *, ours: float, reference: float, unit: str, detail: str, lower_is_better: bool = False) -> None:
    """Print the JSON line. `ratio` is higher-is-better, 1.0 = as good as the reference."""
    better, worse = (reference, ours) if lower_is_better else (ours, reference)
    line = {
        "name": name,
        "ours": round(ours, 3),
        "reference": round(reference, 3),
        "ratio": round(better / worse, 3) if worse else 0.0,
        "unit": unit,
        "detail": detail + (" (--quick: figures mean nothing)" if QUICK else ""),
    }
    print(json.dumps(line, ensure_ascii=False))


def middle(values: list[float]) -> float:
    """The median: these figures are taken on shared, noisy machines."""
    return median(values)
