/** One picture of time, below each other for all machines: rows are drawn while they can be seen. */
import { Axis, type Day, type Stretch } from "./axis";

export interface Bar {
  kind: "booked" | "ours" | "mine" | "outage";
  when: Stretch;
  label: string;
  id?: string;
  version?: number;
  asked?: boolean;
}

export interface Line {
  id: string;
  grid: number;
  open: Stretch[];
  used: Stretch[];
  unknown: Stretch[];
  bars: Bar[];
}

export interface Drawn {
  now: number;
  days: Day[];
  lines: Line[];
}

const NARROWEST: Record<string, number> = { day: 48, week: 9, month: 1.6 };
const SLIM = 44; // pixels that no word fits
const AHEAD = "400px 0px"; // rows just outside are drawn before they are seen

export class Chart {
  axis!: Axis;
  readonly lines = new Map<string, Line>();
  private readonly seen = new Set<string>();
  private readonly watch: IntersectionObserver;
  private days: Day[] = [];
  private nowAt = 0;

  constructor(
    readonly root: HTMLElement,
    private readonly clock: (stretch: Stretch) => string,
    onSeen: (id: string) => void,
  ) {
    this.watch = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const row = target as HTMLElement;
          const id = row.dataset["machine"]!;
          if (isIntersecting) {
            this.seen.add(id);
            this.draw(id);
            onSeen(id);
          } else if (!row.contains(document.activeElement)) {
            this.seen.delete(id);
            track(row).replaceChildren();
          }
        }
      },
      { root, rootMargin: AHEAD },
    );
    new ResizeObserver(() => this.measure()).observe(root);
  }

  /** Show all of it anew. */
  show(drawn: Drawn): void {
    this.lines.clear();
    for (const line of drawn.lines) this.lines.set(line.id, line);
    this.days = drawn.days;
    this.nowAt = drawn.now - performance.now() / 60_000;
    this.measure();
    for (const row of this.rows()) this.watch.observe(row);
  }

  /** Show one machine anew. */
  change(line: Line): void {
    this.lines.set(line.id, line);
    if (this.seen.has(line.id)) this.draw(line.id);
  }

  sees(id: string): boolean {
    return this.seen.has(id);
  }

  now(): number {
    return this.nowAt + performance.now() / 60_000;
  }

  /** The line below the clock. */
  drawNow(): void {
    const mark = this.root.querySelector<HTMLElement>(".now-line")!;
    const now = this.now();
    mark.hidden = !this.days.some(({ when }) => when[0] <= now && now < when[1]);
    mark.style.left = `${this.axis.x(now)}px`;
  }

  draw(id: string): void {
    const row = this.root.querySelector<HTMLElement>(`.line[data-machine="${id}"]`);
    const line = this.lines.get(id);
    if (!row || !line) return;
    const parts: HTMLElement[] = [];
    const put = (tag: string, kind: string, stretch: Stretch): HTMLElement | null => {
      const place = this.axis.place(stretch);
      if (!place) return null;
      const part = document.createElement(tag);
      part.className = kind;
      part.style.left = `${place.left.toFixed(1)}px`;
      part.style.width = `${place.width.toFixed(1)}px`;
      parts.push(part);
      return part;
    };
    for (const each of line.open) this.acrossDays(each, (part) => put("i", "open", part));
    for (const each of line.unknown) this.acrossDays(each, (part) => put("i", "unknown", part));
    for (const each of line.used) put("i", "used", each);
    line.bars.forEach((bar, index) => {
      const own = bar.id !== undefined;
      const part = put(own ? "button" : "span", `bar ${bar.kind}${bar.asked ? " asked" : ""}`, bar.when);
      if (!part) return;
      if (parseFloat(part.style.width) < SLIM) part.classList.add("slim");
      const text = document.createElement("span");
      text.textContent = bar.label;
      part.append(text);
      part.title = `${this.clock(bar.when)} ${bar.label}`;
      if (own) {
        part.dataset["index"] = `${index}`;
        (part as HTMLButtonElement).type = "button";
        part.setAttribute("aria-label", part.title);
        for (const edge of ["start", "end"]) {
          const handle = document.createElement("i");
          handle.className = `edge ${edge}`;
          part.append(handle);
        }
      }
    });
    const place = track(row);
    const focused = place.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["index"] : undefined;
    place.replaceChildren(...parts);
    if (focused !== undefined) place.querySelector<HTMLElement>(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
  }

  /** Let the time of now be seen, or the morning. */
  scrollToNow(): void {
    const now = this.now();
    const today = this.days.some(({ when }) => when[0] <= now && now < when[1]);
    this.root.scrollLeft = today ? this.axis.x(now) - this.root.clientWidth / 3 : 0;
  }

  private rows(): NodeListOf<HTMLElement> {
    return this.root.querySelectorAll<HTMLElement>(".line");
  }

  private measure(): void {
    if (!this.days.length) return;
    const name = this.root.querySelector<HTMLElement>(".corner")!.offsetWidth;
    const room = this.root.clientWidth - name;
    if (this.axis && this.axis.days === this.days && this.measured === room) return;
    this.measured = room;
    this.axis = new Axis(this.days, NARROWEST[this.root.dataset["scale"] ?? "day"] ?? 48, room);
    this.root.style.setProperty("--track", `${this.axis.width.toFixed(1)}px`);
    this.root.style.setProperty("--hour", `${this.axis.hour.toFixed(3)}px`);
    this.drawAxis();
    for (const id of this.seen) this.draw(id);
    this.drawNow();
  }

  private measured = 0;

  private drawAxis(): void {
    const place = this.root.querySelector<HTMLElement>(".ticks")!;
    const dayWidth = this.axis.width / this.days.length;
    const every = [1, 2, 3, 4, 6, 12].find((hours) => hours * this.axis.hour >= 34);
    place.replaceChildren(
      ...this.days.map((day) => {
        const head = document.createElement("div");
        head.className = `day${day.today ? " today" : ""}${day.rest ? " rest" : ""}`;
        head.style.left = `${this.axis.x(day.when[0])}px`;
        head.style.width = `${dayWidth}px`;
        const label = document.createElement("a");
        label.href = dayAddress(day.day);
        label.tabIndex = -1;
        label.textContent = dayWidth < 60 ? day.short : day.label;
        head.append(label);
        if (every) {
          const hours = (day.when[1] - day.when[0]) / 60;
          for (let hour = 0; hour < hours; hour += every) {
            if (every > 1 && hour + every / 2 > hours) break;
            const tick = document.createElement("span");
            tick.textContent = `${(day.first + hour) % 24}`;
            tick.style.left = `${hour * this.axis.hour}px`;
            head.append(tick);
          }
        }
        return head;
      }),
    );
  }

  /** A long stretch once for each day: the nights between are not shown. */
  private acrossDays([start, end]: Stretch, put: (part: Stretch) => void): void {
    for (const { when } of this.days) {
      if (start < when[1] && end > when[0]) put([Math.max(start, when[0]), Math.min(end, when[1])]);
    }
  }
}

export function track(row: HTMLElement): HTMLElement {
  return row.querySelector<HTMLElement>(".track")!;
}

/** The page of one day, for the same machines. */
export function dayAddress(day: string): string {
  const values = new URLSearchParams(location.search);
  values.set("scale", "day");
  values.set("day", day);
  return `?${values}`;
}
