/** The pages' own forms in a window above the chart: the same fields, rules and sentences as on their pages. */
import { post } from "./sending";

export interface Form {
  /** Show what is on the page at `address`. */
  open(address: string): Promise<void>;
}

/** What the page that follows an accepted form says: its notice, and the form in it that undoes it. */
export interface Done {
  form: HTMLFormElement;
  address: URL;
  said: string;
  undo: HTMLFormElement | null;
}

export function forms(dialog: HTMLDialogElement, offline: string, done: (what: Done) => void): Form {
  const body = dialog.querySelector<HTMLElement>(".dialog-body")!;
  const title = dialog.querySelector<HTMLElement>("h2")!;

  const show = (html: string): boolean => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const part = page.querySelector("main .narrow");
    if (!part) return false;
    const heading = part.querySelector("h1");
    title.textContent = heading?.textContent ?? "";
    heading?.remove();
    part.querySelectorAll("p > a[href='/reservations']").forEach((back) => back.remove());
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
    const target = event.target as HTMLElement;
    if (target === dialog || target.closest("[data-close]")) dialog.close();
    const link = target.closest<HTMLAnchorElement>("a[href^='/reservations/'], a[href^='?']");
    if (!link) return;
    event.preventDefault();
    void open(new URL(link.getAttribute("href")!, shown).href);
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
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const notice = page.querySelector("main .notice[role=status]");
          const said = notice?.querySelector("strong")?.textContent ?? "";
          const undo = notice?.querySelector("form");
          done({ form, address: new URL(answer.url), said, undo: undo ? document.importNode(undo, true) : null });
        } else if (!show(await answer.text())) fail();
      })
      .catch(fail)
      .finally(() => buttons.forEach((button) => (button.disabled = false)));
  });

  let shown = location.href;

  const open = async (address: string): Promise<void> => {
    shown = new URL(address, location.href).href;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      if (!show(await answer.text())) location.href = address;
      else if (!dialog.open) dialog.showModal();
    } catch {
      location.href = address;
    }
  };

  return { open };
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
