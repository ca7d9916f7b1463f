/** The chart of a month: open and booked hours as outlines, use filled inside them, unknown hatched. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface Days {
  day: number[];
  open: number[];
  booked: number[];
  occupied: number[];
  unknown: number[];
}

type Word = "day" | "open" | "booked" | "occupied" | "unknown";

const HEIGHT_PX = 260;

function colour(role: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();
}

function hatch(context: CanvasRenderingContext2D): CanvasPattern | string {
  const ratio = devicePixelRatio || 1;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6 * ratio;
  const pen = tile.getContext("2d");
  if (!pen) return colour("unknown");
  pen.strokeStyle = colour("unknown");
  pen.lineWidth = 1.2 * ratio;
  for (const shift of [-1, 0, 1]) {
    pen.moveTo(shift * tile.width, tile.height);
    pen.lineTo((shift + 1) * tile.width, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? colour("unknown");
}

function draw(place: HTMLElement): uPlot {
  const days = JSON.parse(place.dataset["days"] ?? "") as Days;
  const word = JSON.parse(place.dataset["words"] ?? "") as Record<Word, string>;
  const wide = uPlot.paths.bars!({ size: [0.8, 48] });
  const slim = uPlot.paths.bars!({ size: [0.5, 30] });
  const axis: uPlot.Axis = {
    stroke: colour("ink-quiet"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  const hours = (_: uPlot, value: number | null): string => (value == null ? "–" : `${value.toFixed(2)} h`);
  // Unknown stands on top of use: it is drawn first up to the sum, and use covers the lower part.
  const usedOrUnknown = days.occupied.map((used, index) => used + (days.unknown[index] ?? 0));
  return new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT_PX,
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: (_, low, high) => [low - 0.7, high + 0.7] }, y: { range: (_, __, high) => [0, high * 1.05 || 1] } },
      axes: [
        { ...axis, grid: { show: false }, incrs: [1, 2, 5, 7] },
        { ...axis, size: 44, values: (_, marks) => marks.map((mark) => `${mark}`) },
      ],
      series: [
        { label: word.day },
        { label: word.open, stroke: colour("line-strong"), width: 1, fill: colour("paper"), paths: wide, points: { show: false }, value: hours },
        { label: word.booked, stroke: colour("reserved"), width: 2, paths: wide, points: { show: false }, value: hours },
        {
          label: word.unknown,
          stroke: colour("unknown"),
          width: 1,
          fill: (chart) => hatch(chart.ctx) as string,
          paths: slim,
          points: { show: false },
          value: (_, __, ___, index) => (index == null ? "–" : `${(days.unknown[index] ?? 0).toFixed(2)} h`),
        },
        { label: word.occupied, fill: colour("running"), width: 0, paths: slim, points: { show: false }, value: hours },
      ],
    },
    [days.day, days.open, days.booked, usedOrUnknown, days.occupied],
    place,
  );
}

const place = document.querySelector<HTMLElement>("#days");
if (place) {
  let chart = draw(place);
  new ResizeObserver(() => {
    if (place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: HEIGHT_PX });
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    chart.destroy();
    chart = draw(place);
  });
}
