"""Many at the same moment, each on a connection of their own."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from coop import database
from coop.database import Connection, Pool
from coop.errors import MoyaiError

Use = Callable[[Connection], Any]


def race(pool: Pool, uses: Sequence[Use]) -> Counter[str]:
    """Run all of `uses` at once; how often each ended how: `won`, or the name of what refused it."""
    start = Barrier(len(uses))

    def attempt(use: Use) -> str:
        start.wait()
        try:
            database.run(pool, use)
        except MoyaiError as refused:
            return type(refused).__name__
        return "won"

    with ThreadPoolExecutor(len(uses)) as threads:
        return Counter(threads.map(attempt, uses))
