"""The timeline of 300 machines over a week in a real browser: until rows are seen, and how it scrolls.

The server's answer is given to the page as it is (a week of some 20 bookings a machine, with what the machines did), so
that the browser alone is measured. The reference is a plain HTML table with a cell for each of the same stretches, put
there in one go, and scrolled by the same steps.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _outcome import QUICK, middle, outcome
from playwright.sync_api import Page, Route, sync_playwright

from dashboards.shell import DIST, asset
from tests.parts import debian

MACHINES = 30 if QUICK else 300
ROUNDS = 1 if QUICK else 5
MONDAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) // 60
DAY = 24 * 60

SCROLL = """async (place) => {
  const chart = document.querySelector(place), took = [];
  let last = performance.now();
  for (let step = 0; step < 60; step++) {
    chart.scrollTop += 240;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    took.push(now - last);
    last = now;
  }
  return took.sort((a, b) => a - b);
}"""

TABLE = """() => {
  const rows = JSON.parse(document.querySelector("#data").textContent), begun = performance.now();
  const place = document.createElement("div"), table = document.createElement("table");
  place.id = "place";
  place.style.cssText = "height: 640px; overflow: auto; white-space: nowrap";
  place.append(table);
  table.innerHTML = rows.map(row => `<tr>${row.map(cell => `<td>${cell}</td>`).join("")}</tr>`).join("");
  document.body.append(place);
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun))));
}"""


def line(number: int) -> dict[str, object]:
    """A machine that is open from eight to twenty, taken three times a day and used four times within each."""
    bars, used = [], []
    for day in range(7):
        for slot in range(3):
            start = MONDAY + day * DAY + 8 * 60 + slot * 225 + number % 4 * 15
            bars.append(
                {"kind": "mine" if number % 9 == slot else "booked", "when": [start, start + 150], "label": "予約あり"}
            )
            used += [[start + part * 35, start + part * 35 + 28] for part in range(4)]
    opened = [[MONDAY + day * DAY + 8 * 60, MONDAY + day * DAY + 20 * 60] for day in range(7)]
    return {"id": f"m-{number}", "grid": 15, "open": opened, "used": used, "unknown": [], "bars": bars}


def drawn() -> dict[str, object]:
    """What `/timeline/lines` answers."""
    days = [
        {
            "day": f"{datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}",
            "label": f"11月{23 + day}日",
            "short": str(23 + day),
            "first": 8,
            "today": day == 0,
            "rest": day > 4,
            "when": [MONDAY + day * DAY + 8 * 60, MONDAY + day * DAY + 20 * 60],
        }
        for day in range(7)
    ]
    return {"now": MONDAY + 12 * 60, "days": days, "lines": [line(number) for number in range(MACHINES)]}


def page_of_rows() -> str:
    """The page as the server writes it, without what is around the chart."""
    rows = "".join(
        f'<div class="line" data-machine="m-{number}"><p class="name"><a href="#">測定機 {number}</a></p>'
        '<div class="track"></div></div>'
        for number in range(MACHINES)
    )
    return (
        f'<!doctype html><html lang="ja"><meta charset="utf-8"><link rel="stylesheet" href="{asset("moyai.css")}">'
        '<main class="page"><div class="timeline"><section class="timechart" id="chart" tabindex="0" data-scale="week"'
        ' data-source="/timeline/lines?x" data-zone="Asia/Tokyo" data-books="yes" data-said="{}"><div class="plane">'
        f'<div class="axis"><div class="corner"></div><div class="ticks"></div></div>{rows}'
        '<div class="now-line" hidden></div></div></section><div id="toast" hidden></div>'
        '<dialog id="form"><h2></h2><div class="dialog-body"></div></dialog></div></main>'
        f'<script type="module" src="{asset("timeline.js")}"></script></html>'
    )


def serve(page: Page) -> None:
    """Answer the page's requests from here: nothing but the browser is measured."""
    said, html = json.dumps(drawn()), page_of_rows()

    def answer(route: Route) -> None:
        path = route.request.url.split("moyai.test", 1)[1].split("?")[0]
        if path == "/timeline":
            route.fulfill(body=html, content_type="text/html")
        elif path == "/timeline/lines":
            route.fulfill(body=said, content_type="application/json")
        elif path.startswith("/assets/"):
            kind = "text/css" if path.endswith(".css") else "text/javascript"
            route.fulfill(body=(DIST / Path(path).name).read_text(), content_type=kind)
        else:
            route.fulfill(status=204)

    page.route("**/*", answer)


def measure(page: Page) -> tuple[float, list[float], float, list[float]]:
    """Milliseconds until rows are drawn, the frames of a scroll through all of them, and the same of the table."""
    page.goto("http://moyai.test/timeline")
    page.wait_for_selector(".track .bar")
    first = float(page.evaluate("() => new Promise(done => requestAnimationFrame(() => done(performance.now())))"))
    frames: list[float] = page.evaluate(SCROLL, "#chart")
    cells = [[*(["予約あり"] * 21), *(["使用"] * 84)] for _ in range(MACHINES)]
    page.set_content(f'<script id="data" type="application/json">{json.dumps(cells)}</script>')
    table = float(page.evaluate(TABLE))
    return first, frames, table, page.evaluate(SCROLL, "#place")


def main() -> None:
    """Print the two outcomes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=debian.CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        serve(page)
        measured = [measure(page) for _ in range(ROUNDS)]
        browser.close()
    first, table = middle([each[0] for each in measured]), middle([each[2] for each in measured])
    frames = sorted(frame for each in measured for frame in each[1])
    beside = sorted(frame for each in measured for frame in each[3])
    p95, longest = frames[int(len(frames) * 0.95)], frames[-1]
    cells = MACHINES * 105
    outcome(
        "timeline_scroll",
        ours=p95,
        reference=beside[int(len(beside) * 0.95)],
        unit="ms",
        detail=f"p95 of {len(frames)} frames while all rows scroll by (median {middle(frames):.0f}, longest "
        f"{longest:.0f}; a hand feels followed within 100), the table's beside it",
        lower_is_better=True,
    )
    outcome(
        "timeline_rows",
        ours=first,
        reference=table,
        unit="ms",
        detail=f"{MACHINES} machines, a week, {cells} stretches: from asking for the page until rows are seen; "
        "a plain table of the same cells beside it",
        lower_is_better=True,
    )


if __name__ == "__main__":
    main()
