/** A machine's pages: what is sent is sent once, and the page at the machine follows what happens to it. */
import htmx from "htmx.org";
import "./parts/once";

const state = document.querySelector<HTMLElement>("[data-follows]");
if (state) {
  const events = new EventSource("/events");
  const refresh = (): void => {
    // Nothing that somebody types is taken from under their thumb.
    if (!document.activeElement?.matches("textarea, input")) htmx.trigger(state, "moyai:changed");
  };
  events.addEventListener("machine", (event: MessageEvent<string>) => {
    if (event.data === state.dataset["follows"]) refresh();
  });
  events.addEventListener("all", refresh);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refresh();
  });
}
