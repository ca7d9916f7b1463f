/** A machine's pages: what is sent is sent once, and the page at the machine follows what happens to it. */
import htmx from "htmx.org";
import "./parts/once";

const EACH_MINUTE = 60_000;
const follows = document.querySelector<HTMLElement>("[data-follows]")?.dataset["follows"];

if (follows) {
  let touched = false; // nothing that somebody ticks or types is taken from under their thumb
  document.addEventListener("input", () => (touched = true));
  const refresh = (): void => {
    const state = document.querySelector("[data-follows]");
    if (state && !touched && document.visibilityState === "visible") htmx.trigger(state, "moyai:changed");
  };
  const events = new EventSource("/events");
  events.addEventListener("machine", (event: MessageEvent<string>) => {
    if (event.data === follows) refresh();
  });
  events.addEventListener("all", refresh);
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, EACH_MINUTE);
}

document.querySelector("[data-print]")?.addEventListener("click", () => print());
