/** The page for no connection: when there last was one, and trying again. */
import { KEPT, LAST_KNOWN } from "./parts/kept";

const shown = document.querySelector<HTMLElement>("#last-known");

async function tell(): Promise<void> {
  const known = await (await caches.open(KEPT)).match(LAST_KNOWN);
  if (!shown) return;
  const format = new Intl.DateTimeFormat(shown.dataset["lang"], { dateStyle: "medium", timeStyle: "short" });
  shown.textContent = known ? format.format(new Date(await known.text())) : (shown.dataset["never"] ?? "");
}

void tell();
document.querySelector("#again")?.addEventListener("click", () => location.reload());
addEventListener("online", () => location.reload());
