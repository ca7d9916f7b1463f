/** The pages' own forms in a window above the chart: the same fields, rules and sentences as on their pages. */
import { post } from "./sending";

export interface Form {
  /** Show the part `selector` of the page at `address`. */
  open(address: string, selector: string): Promise<void>;
}

/** `done` hears which form was accepted, and where its page leads. */
export function forms(dialog: HTMLDialogElement, offline: string, done: (form: HTMLFormElement, leadsTo: URL) => void): Form {
  const body = dialog.querySelector<HTMLElement>(".dialog-body")!;
  const title = dialog.querySelector<HTMLElement>("h2")!;
  let selector = "";

  const show = (html: string): boolean => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const part = page.querySelector(selector);
    if (!part) return false;
    title.textContent = page.querySelector("main h1")?.textContent ?? "";
    body.replaceChildren(document.importNode(part, true));
    withPrice(body);
    body.querySelector<HTMLElement>("[role=alert] button, [role=alert]")?.focus();
    return true;
  };

  const fail = (): void => {
    const said = document.createElement("p");
    said.className = "notice stop";
    said.setAttribute("role", "alert");
    said.textContent = offline;
    body.prepend(said);
  };

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || (event.target as HTMLElement).closest("[data-close]")) dialog.close();
  });

  dialog.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    event.preventDefault();
    const buttons = form.querySelectorAll<HTMLButtonElement>("button");
    const sent = post(form, event.submitter);
    buttons.forEach((button) => (button.disabled = true));
    sent
      .then(async (answer) => {
        if (answer.redirected) {
          dialog.close();
          done(form, new URL(answer.url));
        } else if (!show(await answer.text())) fail();
      })
      .catch(fail)
      .finally(() => buttons.forEach((button) => (button.disabled = false)));
  });

  return {
    async open(address, part) {
      selector = part;
      try {
        const answer = await fetch(address, { headers: { Accept: "text/html" } });
        if (!show(await answer.text())) location.href = address;
        else dialog.showModal();
      } catch {
        location.href = address;
      }
    },
  };
}

/** Below the times of a form that books, what they cost. */
function withPrice(body: HTMLElement): void {
  const form = body.querySelector<HTMLFormElement>("form[action$='/reserve']");
  const machine = form?.action.split("/").at(-2);
  const submit = form?.querySelector(".button.main");
  if (!form || !submit) return;
  const price = document.createElement("p");
  price.className = "price";
  price.setAttribute("aria-live", "polite");
  submit.before(price);
  const ask = async (): Promise<void> => {
    const typed = new FormData(form);
    const slot = new URLSearchParams(["day", "start", "end"].map((name) => [name, `${typed.get(name) ?? ""}`]));
    const answer = await fetch(`/timeline/price/${machine}?${slot}`).catch(() => null);
    price.textContent = answer?.ok ? (await answer.text()).trim() : "";
  };
  let pending = 0;
  form.addEventListener("input", () => {
    clearTimeout(pending);
    pending = window.setTimeout(ask, 200);
  });
  void ask();
}
