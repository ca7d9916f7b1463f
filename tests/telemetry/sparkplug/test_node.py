"""What births, deaths and gaps of an edge node mean, message by message."""

from datetime import timedelta

from telemetry.decoders.sparkplug_payload import parse, payload
from telemetry.model import Message
from telemetry.sparkplug.node import ASK_AGAIN, Node, asking, follow, rebirth
from tests.telemetry.decoders.heard import NOW

EDGE, MILL = "spBv1.0/Plant/Edge1", "spBv1.0/Plant/Edge1/Mill"
BORN_AT = 1795402740000


def after(
    node: Node, kind: str, seq: int | None = None, *, own: str = EDGE, bd: int | None = None, again: bool = False
) -> Node | None:
    metrics = [] if bd is None else [{"name": "bdSeq", "datatype": 8, "long_value": bd}]
    said = payload(timestamp=BORN_AT + (bd or 0), metrics=metrics)
    if seq is not None:
        said.seq = seq
    return follow(node, Message(0, 1, again, False, "", b"", NOW), own, kind, said)


def heard(*said: tuple[str, int | None, str], bd: int = 3) -> Node:
    """A node after these messages: kind, sequence number, whose."""
    node: Node | None = Node(EDGE)
    for kind, seq, own in said:
        assert node is not None
        node = after(node, kind, seq, own=own, bd=bd if kind in ("NBIRTH", "NDEATH") else None)
    assert node is not None
    return node


BORN = (("NBIRTH", 0, EDGE), ("DBIRTH", 1, MILL), ("DDATA", 2, MILL))


def test_a_node_that_is_born_and_counts_is_not_in_doubt() -> None:
    node = heard(*BORN)
    assert (node.online, node.sequence, node.in_doubt) == (True, 2, False)
    assert set(node.births) == {EDGE, MILL}


def test_the_count_goes_round() -> None:
    node = heard(("NBIRTH", 0, EDGE), *(("NDATA", seq % 256, EDGE) for seq in range(1, 520)))
    assert not node.in_doubt


def test_a_gap_leaves_doubt_until_the_next_birth() -> None:
    node = heard(*BORN, ("DDATA", 4, MILL))
    assert node.in_doubt
    assert heard(*BORN, ("DDATA", 4, MILL), ("DDATA", 5, MILL)).in_doubt
    assert not heard(*BORN, ("DDATA", 4, MILL), *BORN).in_doubt


def test_data_of_a_node_whose_birth_was_not_heard_leaves_doubt() -> None:
    assert heard(("NDATA", 17, EDGE)).in_doubt


def test_a_node_is_asked_once_and_again_only_after_a_while() -> None:
    node = heard(*BORN, ("DDATA", 4, MILL))
    asked = asking(node, NOW)
    assert asked is not None
    assert asking(asked, NOW + ASK_AGAIN - timedelta(seconds=1)) is None
    assert asking(asked, NOW + ASK_AGAIN) is not None
    born = after(asked, "NBIRTH", 0, bd=4)
    assert born is not None
    assert born.asked_at is None


def test_the_command_is_the_one_of_the_specification() -> None:
    topic, raw = rebirth(Node(EDGE), NOW)
    assert topic == "spBv1.0/Plant/NCMD/Edge1"
    (metric,) = parse(raw).metrics
    assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", 11, True)


def test_a_death_ends_its_own_connection_only() -> None:
    node = heard(*BORN)
    assert after(node, "NDEATH", bd=2) is None  # the will of an earlier connection, late
    gone = after(node, "NDEATH", bd=3)
    assert gone is not None
    assert (gone.online, gone.births) == (False, {})
    back = after(gone, "NBIRTH", 0, bd=4)
    assert back is not None
    assert (back.online, set(back.births)) == (True, {EDGE})


def test_a_device_that_dies_takes_its_names_along() -> None:
    node = heard(*BORN, ("DDEATH", 3, MILL))
    assert set(node.births) == {EDGE}
    assert not node.in_doubt


def test_what_the_broker_sends_again_is_counted_once() -> None:
    node = heard(*BORN)
    assert after(node, "DDATA", 1, own=MILL, again=True) == node
    assert after(node, "DDATA", 2, own=MILL) == node
    assert after(node, "NBIRTH", 0, bd=3, again=True) == node
    following = after(node, "DDATA", 3, own=MILL, again=True)  # sent again, but not stored before
    assert following is not None
    assert (following.sequence, following.in_doubt) == (3, False)
