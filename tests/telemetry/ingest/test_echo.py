"""What comes long after our last word to ourselves came back may have waited at the broker."""

from telemetry.ingest.echo import BEHIND_SECONDS, EVERY_SECONDS, Echo


def test_until_our_word_returns_everything_may_have_waited() -> None:
    echo = Echo("t")
    echo.begin()
    assert echo.behind(100.0)
    said = echo.due(100.0)
    assert said is not None
    assert echo.due(101.0) is None  # one is under way
    assert echo.behind(103.0)
    assert not echo.returned()
    echo.hear(said, 103.0)
    assert echo.returned()
    assert not echo.behind(103.0)


def test_a_word_says_how_old_the_queue_was_when_it_was_sent_not_when_it_returned() -> None:
    echo = Echo("t")
    echo.begin()
    said = echo.due(0.0)
    assert said is not None
    echo.hear(said, BEHIND_SECONDS + 1)
    assert echo.behind(BEHIND_SECONDS + 1)
    said = echo.due(BEHIND_SECONDS + 1 + EVERY_SECONDS)
    assert said is not None
    echo.hear(said, BEHIND_SECONDS + 1 + EVERY_SECONDS)
    assert not echo.behind(BEHIND_SECONDS + 2 + EVERY_SECONDS)


def test_a_word_of_an_earlier_connection_says_nothing() -> None:
    echo = Echo("t")
    echo.begin()
    said = echo.due(0.0)
    assert said is not None
    echo.begin()
    assert echo.due(1.0) != said
    echo.hear(said, 1.0)
    assert echo.behind(1.0)


def test_without_words_the_present_is_lost_again() -> None:
    echo = Echo("t")
    echo.begin()
    said = echo.due(0.0)
    assert said is not None
    echo.hear(said, 0.1)
    assert echo.due(0.2) is None
    assert not echo.behind(BEHIND_SECONDS)
    assert echo.behind(BEHIND_SECONDS + 0.1)
