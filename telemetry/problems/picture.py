"""A picture of what a machine did around a problem: its power as a line, its states behind it, the problem outlined.

An SVG of its own that a page may also hold: colours are classes first, so that the page's own win.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from coop.database import Connection
from coop.interval import Interval
from telemetry.problems.model import Problem
from telemetry.states import live
from telemetry.states.model import State, StateInterval
from telemetry.thresholds import look
from telemetry.thresholds.look import Point

WIDTH, HEIGHT = 480, 72
TRACED_AT_MOST = timedelta(days=3)

_FILL = {State.RUNNING: "#1e8e3e", State.FAULT: "#c5221f", State.UNKNOWN: "#6b7280"}


def picture(conn: Connection, problem: Problem, now: datetime) -> str:
    """The SVG, of the problem's stretch and half as much before and after (half an hour at least)."""
    margin = max((problem.when.end - problem.when.start) / 2, timedelta(minutes=30))
    window = Interval(problem.when.start - margin, problem.when.end + margin)
    states = live.states(conn, problem.machine_id, window, now)
    trace: Sequence[Point] = ()
    if window.end - window.start <= TRACED_AT_MOST:
        trace = look.trace_of(conn, problem.machine_id, window, problem.when.start)
    return draw(window, problem.when, states, trace)


def draw(window: Interval, when: Interval, states: Sequence[StateInterval], trace: Sequence[Point]) -> str:
    """The SVG of `window` with `when` outlined."""
    most = max((point.high_watts for point in trace), default=0) or 1.0
    parts = [
        f'<rect class="was-{each.state}" x="{_x(window, each.started_at)}" y="0" width="{_wide(window, each)}" '
        f'height="{HEIGHT}" fill="{_FILL[each.state]}" fill-opacity="0.25"/>'
        for each in states
        if each.state in _FILL
    ]
    parts += [
        f'<line class="reach" x1="{_x(window, point.at)}" x2="{_x(window, point.at)}" '
        f'y1="{_y(point.high_watts, most)}" y2="{_y(point.low_watts, most) + 1.5}" '
        'stroke="#565e67" stroke-width="1.5"/>'
        for point in trace
    ]
    left, right = _x(window, when.start), _x(window, when.end)
    parts.append(
        f'<rect class="problem" x="{left}" y="1" width="{max(right - left, 2):.1f}" height="{HEIGHT - 2}" '
        'fill="none" stroke="#2f6fde" stroke-width="2"/>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="power" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    )


def _x(window: Interval, moment: datetime) -> float:
    return round((moment - window.start) / (window.end - window.start) * WIDTH, 1)


def _wide(window: Interval, state: StateInterval) -> float:
    return round(_x(window, state.ended_at) - _x(window, state.started_at), 1)


def _y(watts: float, most: float) -> float:
    return round(HEIGHT - 6 - (HEIGHT - 12) * max(watts, 0) / most, 1)
