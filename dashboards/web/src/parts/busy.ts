/** A form with `data-busy` is sent once: its button says what is being done until the next page is there. */
export function sayBusy(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-busy]")) {
    form.addEventListener("submit", (event) => {
      const button = event.submitter ?? form.querySelector("button");
      if (!(button instanceof HTMLButtonElement)) return;
      if (button.getAttribute("aria-disabled")) return event.preventDefault();
      button.setAttribute("aria-disabled", "true");
      button.textContent = form.dataset["busy"] ?? "";
    });
  }
}
