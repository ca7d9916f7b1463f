/** The timeline: who has which machine when, drawn, dragged, and kept up to date. */
import { type Stretch } from "./parts/timeline/axis";
import { listenToHands } from "./parts/timeline/dragging";
import { type Bar, Chart, dayAddress, type Drawn, type Line } from "./parts/timeline/drawing";
import { forms } from "./parts/timeline/forms";
import { minuteOf, moment, post, send, type Slot } from "./parts/timeline/sending";

type Word = "moved" | "undo" | "kept" | "offline" | "undone" | "close";

const REFRESH_MS = 2000;
const FEW = 6;

const root = document.querySelector<HTMLElement>("#chart")!;
const toast = document.querySelector<HTMLElement>("#toast")!;
const word = JSON.parse(root.dataset["said"] ?? "{}") as Record<Word, string>;
const source = root.dataset["source"]!;
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset["zone"]! });
const date = new Intl.DateTimeFormat(document.documentElement.lang, { month: "numeric", day: "numeric", weekday: "short", timeZone: root.dataset["zone"]! });

function clock([start, end]: Stretch): string {
  const until = time.format(end * 60_000);
  return `${time.format(start * 60_000)}–${until === "00:00" ? "24:00" : until}`;
}

const stale = new Set<string>();
let refreshing = 0;

const chart = new Chart(root, clock, (id) => stale.has(id) && soon());

async function load(machine = ""): Promise<void> {
  const answer = await fetch(machine ? `${source}&machine=${machine}` : source).catch(() => null);
  if (!answer?.ok) return;
  const drawn = (await answer.json()) as Drawn;
  if (machine) drawn.lines.forEach((line) => chart.change(line));
  else {
    const first = !chart.lines.size;
    chart.show(drawn);
    if (first) chart.scrollToNow();
    root.dataset["drawn"] = "yes";
  }
}

function soon(): void {
  if (refreshing) return;
  refreshing = window.setTimeout(async () => {
    const due = [...stale].filter((id) => chart.sees(id));
    due.forEach((id) => stale.delete(id));
    if (due.length > FEW) await load();
    else await Promise.all(due.map(load));
    refreshing = 0;
  }, REFRESH_MS);
}

/** Say what happened, with what can be done about it. */
function tell(said: string, buttons: [string, () => void][] = [], stop = false): void {
  const text = document.createElement("p");
  text.textContent = said;
  const actions = document.createElement("div");
  actions.className = "buttons";
  for (const [label, act] of [...buttons, [word.close, () => {}] as [string, () => void]]) {
    const button = document.createElement("button");
    button.className = label === word.close ? "button plain" : "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      toast.hidden = true;
      act();
    });
    actions.append(button);
  }
  toast.classList.toggle("stop", stop);
  toast.replaceChildren(text, actions);
  toast.hidden = false;
}

/** Change the time of one's own; a refusal leaves it where it was and offers what is free. */
async function move(line: Line, bar: Bar, slot: Stretch, undoing = false): Promise<void> {
  const was = bar.when;
  bar.when = slot; // shown at once; put back if the server says no
  chart.draw(line.id);
  const body = { starts_at: moment(slot[0]), ends_at: moment(slot[1]) };
  const outcome = await send("PATCH", `/api/v1/reservations/${bar.id}`, bar.version!, body, word.offline);
  if (outcome.ok) {
    bar.version = Number(outcome.headers.get("ETag")?.replaceAll('"', "")) || bar.version! + 1;
    const said = `${undoing ? word.undone : word.moved}: ${date.format(slot[0] * 60_000)} ${clock(slot)}`;
    tell(said, undoing ? [] : [[word.undo, () => void again(line.id, bar, was)]]);
  } else {
    bar.when = was;
    chart.draw(line.id);
    const free = (each: Slot): Stretch => [minuteOf(each.starts_at), minuteOf(each.ends_at)];
    const offers = outcome.instead.map(free).map((each): [string, () => void] => [`${date.format(each[0] * 60_000)} ${clock(each)}`, () => void again(line.id, bar, each, false)]);
    tell(`${outcome.said} ${word.kept}`, offers, true);
  }
  await load(line.id);
}

/** Like `move`, for the bar as it is drawn now: what is drawn may have been read again meanwhile. */
async function again(id: string, bar: Bar, slot: Stretch, undoing = true): Promise<void> {
  const line = chart.lines.get(id);
  const now = line?.bars.find((each) => each.id === bar.id);
  if (line && now) await move(line, now, slot, undoing);
}

const dialog = document.querySelector<HTMLDialogElement>("#form")!;
let opened: { line: Line; bar?: Bar; slot: Stretch } | null = null;
const form = forms(dialog, word.offline, ({ form: sent, address, said, undo }) => {
  if (!opened) return;
  const { line, bar, slot } = opened;
  const made = address.searchParams.get("made");
  const alone = ["this", null].includes(new FormData(sent).get("scope") as string | null);
  const moved = bar && alone && /\/(change|extend)$/.test(sent.action);
  const back = made ? () => void cancel(made) : undo ? () => void rebook(undo) : moved ? () => void again(line.id, bar, slot) : null;
  tell(said || word.moved, back ? [[word.undo, back]] : []);
  void load();
});

async function cancel(reservation: string): Promise<void> {
  const answer = await fetch(`/api/v1/reservations/${reservation}`, { method: "DELETE" }).catch(() => null);
  tell(answer?.ok ? word.undone : word.offline);
  await load();
}

/** Take the time again that was just given back: the page that said so has a form for it. */
async function rebook(undo: HTMLFormElement): Promise<void> {
  const answer = await post(undo, undo.querySelector("button")).catch(() => null);
  tell(answer?.redirected ? word.undone : word.offline);
  await load();
}

listenToHands(
  chart,
  {
    wants: (line, slot) => {
      opened = { line, slot };
      void form.open(`/machines/${line.id}/reserve?start=${moment(slot[0])}&end=${moment(slot[1])}`);
    },
    moved: (line, bar, slot) => void move(line, bar, slot),
    opens: (line, bar) => {
      opened = { line, bar, slot: bar.when };
      void form.open(`/reservations/${bar.id}`);
    },
    goes: (day) => (location.href = dayAddress(day)),
  },
  root.dataset["books"] === "yes",
  clock,
);

function listen(): void {
  const link = document.querySelector<HTMLElement>("#link-state");
  const say = (state: "live" | "lost"): void => {
    if (!link) return;
    link.dataset["state"] = state;
    link.textContent = link.dataset[state] ?? "";
  };
  const events = new EventSource("/events");
  let missed = false;
  events.addEventListener("open", () => {
    say("live");
    if (missed) void load();
    missed = false;
  });
  events.addEventListener("error", () => {
    missed = true;
    say("lost");
  });
  events.addEventListener("machine", ({ data }: MessageEvent<string>) => {
    if (!chart.lines.has(data)) return;
    stale.add(data);
    if (chart.sees(data)) soon();
  });
  events.addEventListener("all", () => void load());
}

document.querySelector("#filters")?.classList.add("quick");
document.querySelectorAll<HTMLElement>("#filters select, #filters input[type=date]").forEach((field) => {
  field.addEventListener("change", () => field.closest("form")?.requestSubmit());
});
setInterval(() => chart.lines.size && chart.drawNow(), 30_000);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void load());
void load().then(listen);
