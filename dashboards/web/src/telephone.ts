/** A telephone booking by keyboard: what is typed is answered beside the form, and what is offered has a number. */
import "htmx.org";

const form = document.querySelector<HTMLFormElement>("#call");

function choices(): HTMLButtonElement[] {
  return [...document.querySelectorAll<HTMLButtonElement>("[data-choice]")];
}

function typing(target: EventTarget | null): target is HTMLInputElement {
  return target instanceof HTMLInputElement;
}

if (form) {
  document.querySelectorAll<HTMLElement>("[data-without-script]").forEach((each) => (each.hidden = true));
  document.addEventListener("keydown", (event) => {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    const all = choices();
    const at = all.findIndex((each) => each === document.activeElement);
    if (digit && (event.altKey || !typing(event.target)) && !event.ctrlKey && !event.metaKey) {
      all[Number(digit) - 1]?.click();
    } else if (event.key === "ArrowDown" && all.length) {
      all[Math.min(at + 1, all.length - 1)]?.focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      (all[at - 1] ?? form.querySelector<HTMLElement>("#caller"))?.focus();
    } else if (event.key === "Enter" && typing(event.target) && !event.isComposing && event.target.id === "caller" && all[0]?.name === "pick") {
      all[0].click(); // the first of those it could be; another one by its number
    } else return;
    event.preventDefault();
  });
  // After a refusal the numbers count at once, without leaving a field first.
  if (document.querySelector("#refused")) choices()[0]?.focus();
} else document.querySelector<HTMLElement>("#next")?.focus();
