"""24 closed months recomputed from their frozen evidence. The reference is the bound, one minute."""

import time
from datetime import timedelta

import psycopg
from _months import OFFICE, Size, after, found, use
from _outcome import QUICK, outcome
from _parts import database, settle_tables

from billing.periods import settle
from billing.periods.verify import verify_all

SIZE = Size(5, 2, 40) if QUICK else Size(100, 20, 4_000)
MONTHS = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)][: 3 if QUICK else 24]
BOUND_SECONDS = 60.0


def main() -> None:
    with database() as cluster:
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            found(conn, SIZE, after("2023-12"), plugs=SIZE.machines)
        for label in MONTHS:
            with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
                use(conn, SIZE, label, after(label), readings_every=timedelta(minutes=1))
            with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
                settle.close(conn, OFFICE, label, after(label))
        settle_tables(cluster.owner_url)
        begun = time.perf_counter()
        with psycopg.connect(cluster.app_url, options="-c TimeZone=UTC") as conn:
            verified = verify_all(conn, OFFICE)
        took = time.perf_counter() - begun
    assert [each.month for each in verified] == MONTHS
    assert not any(each.difference for each in verified)
    outcome(
        "verify_periods",
        ours=took,
        reference=BOUND_SECONDS,
        unit="s",
        lower_is_better=True,
        detail=f"{len(MONTHS)} closed months, each {SIZE.members} members, {SIZE.machines} machines with a reading a "
        f"minute, {SIZE.usages:,} uses; reference: the bound",
    )


if __name__ == "__main__":
    main()
