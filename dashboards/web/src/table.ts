/**
 * A table as in Excel: a click sorts, typing narrows, totals follow, rows are marked and copied, and what is pasted
 * goes to the preview. Without this script the same happens by the page's address.
 */
const sheet = document.querySelector<HTMLTableElement>("#sheet");
const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

/** Full-width and half-width, large and small letters, ひらがな and カタカナ alike; as the server compares. */
function plain(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/[ァ-ヶ]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}

function value(row: HTMLTableRowElement, column: number): string {
  return row.cells[column]?.dataset["value"] ?? "";
}

function enhance(table: HTMLTableElement): void {
  const body = table.tBodies[0]!;
  const rows = [...body.rows];
  const heads = [...table.tHead!.rows[0]!.cells];
  const texts = new Map(rows.map((row) => [row, plain([...row.cells].map((cell) => cell.dataset["value"] ?? "").join(" "))]));
  const words = document.querySelector<HTMLInputElement>("#words");
  const counted = document.querySelector<HTMLElement>("#counted");
  const copy = document.querySelector<HTMLButtonElement>("#copy");
  const shown = (): HTMLTableRowElement[] => [...body.rows].filter((row) => !row.hidden);
  const marked = (): HTMLTableRowElement[] => shown().filter((row) => row.ariaSelected === "true");

  function address(): void {
    const asked = new URLSearchParams();
    const head = heads.find((each) => each.ariaSort !== "none");
    if (words?.value) asked.set("q", words.value);
    if (head) asked.set("sort", (head.ariaSort === "descending" ? "-" : "") + head.dataset["key"]);
    const query = asked.size ? `?${asked}` : "";
    history.replaceState(null, "", location.pathname + query);
    document.querySelectorAll<HTMLAnchorElement>("#files a").forEach((link) => (link.search = query));
  }

  function count(): void {
    const left = shown();
    if (counted) counted.textContent = (counted.dataset["words"] ?? "").replace("%1", `${left.length}`).replace("%2", `${rows.length}`);
    document.querySelector<HTMLElement>("#nothing")?.toggleAttribute("hidden", left.length > 0);
    table.tFoot?.querySelectorAll<HTMLElement>("[data-total]").forEach((cell) => {
      const column = heads.findIndex((head) => head.dataset["key"] === cell.dataset["total"]);
      const sum = left.reduce((total, row) => total + Number(value(row, column)), 0);
      cell.textContent = (cell.textContent?.includes("¥") ? "¥" : "") + sum.toLocaleString("en");
    });
  }

  function narrow(): void {
    const wanted = plain(words?.value ?? "").split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !wanted.every((word) => texts.get(row)!.includes(word));
    count();
    address();
  }

  function sort(head: HTMLTableCellElement): void {
    const turned = head.ariaSort === "ascending";
    for (const each of heads) each.ariaSort = "none";
    head.ariaSort = turned ? "descending" : "ascending";
    const column = heads.indexOf(head);
    const figures = head.classList.contains("figures");
    const order = (a: string, b: string): number => (figures ? Number(a) - Number(b) : collator.compare(a, b));
    const sorted = [...body.rows].sort((one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (!a || !b) return a ? -1 : b ? 1 : 0; // what is empty comes last, whichever way
      return turned ? order(b, a) : order(a, b);
    });
    body.append(...sorted);
    address();
  }

  heads.forEach((head) =>
    head.querySelector("a")?.addEventListener("click", (event) => {
      event.preventDefault();
      sort(head);
    }),
  );
  words?.form?.addEventListener("submit", (event) => event.preventDefault());
  words?.addEventListener("input", narrow);
  document.querySelectorAll<HTMLElement>("[data-without-script]").forEach((each) => (each.hidden = true));

  /** Rows are marked as in a list: a click or space marks one, with shift all up to it; arrows go up and down. */
  let last: HTMLTableRowElement | undefined;
  function mark(row: HTMLTableRowElement, upTo: boolean): void {
    const all = shown();
    const from = upTo && last ? all.indexOf(last) : all.indexOf(row);
    const [low, high] = [Math.min(from, all.indexOf(row)), Math.max(from, all.indexOf(row))];
    const on = row.ariaSelected === "true" && !upTo ? "false" : "true";
    for (const each of all.slice(low, high + 1)) each.ariaSelected = on;
    last = row;
  }
  rows.forEach((row, index) => {
    row.tabIndex = index ? -1 : 0;
    row.addEventListener("click", (event) => {
      if (!(event.target as Element).closest("a")) mark(row, event.shiftKey);
    });
    row.addEventListener("keydown", (event) => {
      if (event.target !== row) return;
      const all = shown();
      const next = { ArrowDown: all[all.indexOf(row) + 1], ArrowUp: all[all.indexOf(row) - 1] }[event.key];
      if (event.key === " ") mark(row, event.shiftKey);
      else if (event.key === "Enter") row.querySelector("a")?.click();
      else if (next) next.focus();
      else return;
      event.preventDefault();
    });
  });

  /** Tabs between cells, headers first: what a spreadsheet takes. Marked rows, or all that are shown. */
  function cells(): string {
    const quoted = (text: string): string => (/["\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const picked = marked().length ? marked() : shown();
    const lines = picked.map((row) => [...row.cells].map((cell) => cell.dataset["value"] ?? ""));
    return [heads.map((head) => head.textContent?.trim() ?? ""), ...lines].map((line) => line.map(quoted).join("\t")).join("\n");
  }
  let asked = false;
  document.addEventListener("copy", (event) => {
    if (!asked && (!marked().length || getSelection()?.toString())) return;
    event.clipboardData?.setData("text/plain", cells());
    event.preventDefault();
  });
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", () => {
      asked = true;
      document.execCommand("copy"); // unlike navigator.clipboard it also works without https, as in many offices
      asked = false;
      if (counted) counted.textContent = copy.dataset["done"] ?? "";
    });
  }
}

if (sheet) enhance(sheet);

const pasted = document.querySelector<HTMLTextAreaElement>("#pasted");
document.addEventListener("paste", (event) => {
  if ((event.target as Element).closest("input, textarea, select")) return;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!pasted?.form || !/[\t\n]/.test(text)) return;
  event.preventDefault();
  pasted.value = text;
  pasted.form.requestSubmit();
});
