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

/** A browser says "online" before anything can be reached, or never: asking tells. */
async function tryAgain(): Promise<void> {
  const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

addEventListener("online", () => void tryAgain());
setInterval(() => void tryAgain(), 3000);
