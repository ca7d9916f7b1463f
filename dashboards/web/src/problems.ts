/** The queue by keyboard: j and k go to the next and the one before, a digit presses that button of it. */
const problems = [...document.querySelectorAll<HTMLElement>("article.problem")];

function here(): number {
  return problems.findIndex((problem) => problem.contains(document.activeElement));
}

function typing(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
}

document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  if (event.key === "j" || event.key === "k") {
    const next = problems[Math.max(0, here() + (event.key === "j" ? 1 : -1))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else if (/^[1-9]$/.test(event.key)) {
    const buttons = problems[here()]?.querySelectorAll<HTMLButtonElement>(".choices button");
    buttons?.[Number(event.key) - 1]?.click();
  }
});

problems[0]?.focus({ preventScroll: true });
