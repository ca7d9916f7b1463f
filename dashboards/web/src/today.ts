/** The live board: an event names a machine, and the page asks again for that card through its reader's own rights. */
import htmx from "htmx.org";
import "./parts/once";

const link = document.querySelector<HTMLElement>("#link-state");

function say(state: "live" | "lost"): void {
  if (link) {
    link.dataset["state"] = state;
    link.textContent = link.dataset[state] ?? "";
  }
}

function refreshAll(): void {
  const board = document.querySelector("#board");
  if (board) htmx.trigger(board, "moyai:all");
}

function listen(address: string): void {
  const events = new EventSource(address);
  let missed = false;
  events.addEventListener("open", () => {
    say("live");
    // What happened while the line was down was told to nobody: ask for everything once.
    if (missed) refreshAll();
    missed = false;
  });
  events.addEventListener("error", () => {
    missed = true;
    say("lost");
  });
  events.addEventListener("machine", (event: MessageEvent<string>) => {
    const card = document.getElementById(`card-${event.data}`);
    if (card) htmx.trigger(card, "moyai:changed");
  });
  events.addEventListener("all", refreshAll);
}

// What was chosen stays in the address, so that a reload and the way back show the same machines.
document.addEventListener("change", (event) => {
  const form = (event.target as HTMLElement).closest<HTMLFormElement>("#chips");
  if (!form) return;
  const said = [...new FormData(form)].filter(([, value]) => value !== "" && value !== "all") as [string, string][];
  history.replaceState(null, "", said.length ? `/?${new URLSearchParams(said)}` : "/");
});

const board = document.querySelector<HTMLElement>("#board");
if (board) {
  listen(board.dataset["events"] ?? "/events");
  // A phone that slept shows an old board; time also moves on without any event (the board asks each minute).
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refreshAll();
  });
}
