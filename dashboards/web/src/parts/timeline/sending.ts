/** Ask the server, and hear why not: what people read are its own sentences. */

export interface Slot {
  starts_at: string;
  ends_at: string;
}

/** What came of a change: its answer, or the sentence against it and what is free instead. */
export type Outcome = { ok: true; headers: Headers } | { ok: false; said: string; instead: Slot[]; status: number };

interface Problem {
  detail?: string;
  reasons?: { detail: string }[];
  next_free?: Slot[];
}

/** A change that counts once: when the line breaks it is sent once more with its key. */
export async function send(method: string, address: string, version: number, body: unknown, offline: string): Promise<Outcome> {
  const request: RequestInit = {
    method,
    headers: { "Content-Type": "application/json", "Idempotency-Key": key(), "If-Match": `"${version}"` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  let answer: Response;
  try {
    answer = await fetch(address, request).catch(() => fetch(address, request));
  } catch {
    return { ok: false, said: offline, instead: [], status: 0 };
  }
  if (answer.ok) return { ok: true, headers: answer.headers };
  const problem = (await answer.json().catch(() => ({}))) as Problem;
  const reasons = problem.reasons?.map(({ detail }) => detail).join(" ");
  return { ok: false, said: reasons || problem.detail || offline, instead: problem.next_free ?? [], status: answer.status };
}

/** An Idempotency-Key; `crypto.randomUUID` is not there without https. */
function key(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}

export function moment(minute: number): string {
  return new Date(minute * 60_000).toISOString();
}

export function minuteOf(text: string): number {
  return Date.parse(text) / 60_000;
}

/** A page's form, sent as it is typed; the button that was pressed counts. */
export async function post(form: HTMLFormElement, pressed: HTMLElement | null): Promise<Response> {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) values.append(name, `${value}`);
  if (pressed instanceof HTMLButtonElement && pressed.name) values.append(pressed.name, pressed.value);
  return fetch(form.action, { method: "POST", body: values, headers: { Accept: "text/html" } });
}
