/** What a hand does: draw a new slot, move one's own, stretch it at its ends. With a finger after a long press. */
import { onGrid, type Stretch } from "./axis";
import { type Bar, type Chart, type Line } from "./drawing";

export interface Hand {
  /** A new slot was drawn, or pointed at. */
  wants(line: Line, slot: Stretch): void;
  /** One's own was moved or stretched. */
  moved(line: Line, bar: Bar, slot: Stretch): void;
  /** One's own was pressed. */
  opens(line: Line, bar: Bar): void;
  /** A day was pointed at where nothing can be drawn. */
  goes(day: string): void;
}

interface Drag {
  kind: "new" | "move" | "start" | "end";
  line: Line;
  bar: Bar | undefined;
  track: HTMLElement;
  pointer: number;
  from: { x: number; y: number; minute: number };
  slot: Stretch;
  began: boolean;
  ghost: HTMLElement;
}

const PRESS_MS = 400;
const MOUSE_SLACK = 4;
const FINGER_SLACK = 10;
const USUAL_MINUTES = 60;

/** Near its ends a bar is stretched, between them moved. */
function edgeAt({ left, right }: DOMRect, { clientX, pointerType }: PointerEvent): "start" | "end" | "move" {
  const reach = Math.min(pointerType === "touch" ? 16 : 8, (right - left) / 4);
  return clientX - left < reach ? "start" : right - clientX < reach ? "end" : "move";
}

export function listenToHands(chart: Chart, hand: Hand, books: boolean, clock: (stretch: Stretch) => string): void {
  const { root } = chart;
  let drag: Drag | null = null;
  let press = 0;
  let dragged = false;

  const minuteAt = (track: HTMLElement, x: number): number => chart.axis.at(x - track.getBoundingClientRect().left);

  const drop = (): Drag | null => {
    clearTimeout(press);
    const last = drag;
    last?.ghost.remove();
    last?.track.querySelector(".lifted")?.classList.remove("lifted");
    root.classList.remove("dragging");
    drag = null;
    return last;
  };

  const begin = (): void => {
    if (!drag) return;
    drag.began = true;
    dragged = true;
    root.classList.add("dragging");
    drag.track.setPointerCapture(drag.pointer);
    if (drag.bar) drag.track.querySelector(`[data-index="${drag.line.bars.indexOf(drag.bar)}"]`)?.classList.add("lifted");
    drag.track.append(drag.ghost);
    show();
  };

  const show = (): void => {
    if (!drag) return;
    const place = chart.axis.place(drag.slot);
    drag.ghost.style.left = `${place?.left ?? 0}px`;
    drag.ghost.style.width = `${place?.width ?? 0}px`;
    drag.ghost.textContent = clock(drag.slot);
  };

  const follow = (x: number): void => {
    if (!drag) return;
    const { grid } = drag.line;
    const at = minuteAt(drag.track, x);
    const [start, end] = drag.bar?.when ?? drag.slot;
    const by = Math.round((at - drag.from.minute) / grid) * grid;
    if (drag.kind === "new") {
      const first = onGrid(drag.from.minute, grid);
      const here = onGrid(at, grid);
      drag.slot = here >= first ? [first, here + grid] : [here, first + grid];
    } else if (drag.kind === "move") drag.slot = [start + by, end + by];
    else if (drag.kind === "start") drag.slot = [Math.min(start + by, end - grid), end];
    else drag.slot = [start, Math.max(end + by, start + grid)];
    show();
  };

  const usual = (line: Line, minute: number): Stretch => {
    const start = onGrid(minute, line.grid);
    const closes = line.open.find(([opens, closes]) => opens <= start && start < closes)?.[1] ?? Infinity;
    const taken = line.bars.map(({ when }) => when[0]).filter((at) => at > start);
    return [start, Math.max(start + line.grid, Math.min(start + USUAL_MINUTES, closes, ...taken))];
  };

  root.addEventListener("pointerdown", (event) => {
    const track = (event.target as HTMLElement).closest<HTMLElement>(".track");
    const line = chart.lines.get(track?.parentElement?.dataset["machine"] ?? "");
    if (!track || !line || event.button !== 0 || drag) return;
    dragged = false;
    const target = event.target as HTMLElement;
    const own = target.closest<HTMLElement>("[data-index]");
    const bar = own ? line.bars[Number(own.dataset["index"])] : undefined;
    if ((!bar && (target.closest(".bar") || !books)) || root.dataset["scale"] === "month") return;
    const minute = minuteAt(track, event.clientX);
    const ghost = document.createElement("div");
    ghost.className = "ghost";
    drag = {
      kind: own ? edgeAt(own.getBoundingClientRect(), event) : "new",
      line,
      bar,
      track,
      pointer: event.pointerId,
      from: { x: event.clientX, y: event.clientY, minute },
      slot: bar ? bar.when : usual(line, minute),
      began: false,
      ghost,
    };
    if (event.pointerType === "touch") {
      press = window.setTimeout(() => {
        begin();
        navigator.vibrate?.(15);
      }, PRESS_MS);
    }
  });

  root.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (drag.began) return follow(event.clientX);
    const far = Math.hypot(event.clientX - drag.from.x, event.clientY - drag.from.y);
    if (event.pointerType === "touch") {
      if (far > FINGER_SLACK) drop(); // the finger scrolls
    } else if (far > MOUSE_SLACK) {
      begin();
      follow(event.clientX);
    }
  });

  root.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const last = drop()!;
    setTimeout(() => (dragged = false)); // the click that follows a drag presses nothing, later ones do
    if (last.kind === "new" && (last.began || event.pointerType !== "touch")) hand.wants(last.line, last.slot);
    else if (last.began && last.bar && `${last.slot}` !== `${last.bar.when}`) hand.moved(last.line, last.bar, last.slot);
  });

  root.addEventListener("pointercancel", drop);
  // A finger that holds a bar does not scroll, and calls no menu.
  root.addEventListener("touchmove", (event) => drag?.began && event.preventDefault(), { passive: false });
  root.addEventListener("contextmenu", (event) => (drag?.began || press) && (event.target as HTMLElement).closest(".track") && event.preventDefault());
  document.addEventListener("keydown", (event) => event.key === "Escape" && drop());

  root.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    const track = target.closest<HTMLElement>(".track");
    const line = chart.lines.get(track?.parentElement?.dataset["machine"] ?? "");
    if (!track || !line || dragged) return;
    const own = target.closest<HTMLElement>("[data-index]");
    if (own) hand.opens(line, line.bars[Number(own.dataset["index"])]!);
    else if (root.dataset["scale"] === "month") hand.goes(chart.axis.dayAt(event.clientX - track.getBoundingClientRect().left).day);
  });
}
