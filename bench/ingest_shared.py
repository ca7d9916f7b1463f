"""Two ingesters on one shared subscription against one: messages of one reading a second, committed and acknowledged.

Each is a process of its own; the queue is filled beforehand, for each of them by the broker. The reference is one and a
half times the rate of one: what two should reach where processors are left for both.
"""

from _outcome import QUICK, middle, outcome
from _parts import broker, database
from _plant import ingest_waiting, messages, open_plant

MESSAGES = 1_000 if QUICK else 60_000
ROUNDS = 1 if QUICK else 3
PROMISED = 1.5


def rate(seats: int) -> float:
    """Messages a second."""
    with database() as cluster, broker() as mosquitto:
        open_plant(cluster)
        done = ingest_waiting(cluster, mosquitto, list(messages(MESSAGES, 1)), seats=seats, stored=MESSAGES)
        return MESSAGES / done.seconds


def main() -> None:
    one, two = [], []
    for _ in range(ROUNDS):
        one.append(rate(1))
        two.append(rate(2))
    outcome(
        "ingest_shared",
        ours=middle(two),
        reference=PROMISED * middle(one),
        unit="messages/s",
        detail=f"{MESSAGES:,} messages of one reading, QoS 1, MQTT 5, taken by two processes on a shared subscription "
        f"({middle(two) / middle(one):.2f} times one, which took {middle(one):,.0f}/s); "
        f"reference: {PROMISED} times one; median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
