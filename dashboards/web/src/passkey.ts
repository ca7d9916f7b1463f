// Passkeys: a button asks the server what to ask the browser, and tells the server what the browser answered.
export {};

interface Descriptor {
  id: string;
  type: PublicKeyCredentialType;
}

const bytes = (text: string): ArrayBuffer => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0)).buffer as ArrayBuffer;
};

const text = (buffer: ArrayBuffer | null): string | null =>
  buffer &&
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const known = (each: Descriptor): PublicKeyCredentialDescriptor => ({ type: each.type, id: bytes(each.id) });

/** The answer of the server as JSON; throws its sentence when it refuses. */
async function send(path: string, body: object): Promise<any> {
  const answer = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
  const said = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

function written(made: PublicKeyCredential): object {
  const answer = made.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  const response = answer.attestationObject
    ? { attestationObject: text(answer.attestationObject) }
    : {
        authenticatorData: text(answer.authenticatorData),
        signature: text(answer.signature),
        userHandle: text(answer.userHandle),
      };
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: { ...response, clientDataJSON: text(answer.clientDataJSON) },
  };
}

async function use(): Promise<void> {
  const options = await send("/session/passkey/options", {});
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: [] };
  const made = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  await send("/session/passkey", { credential: written(made) });
}

async function make(invitation: string | null): Promise<void> {
  const options = await send("/passkeys/options", { invitation });
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(known),
  };
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  await send("/passkeys", { invitation, credential: written(made) });
}

for (const place of document.querySelectorAll<HTMLElement>("[data-passkey]")) {
  if (!("PublicKeyCredential" in window)) break;
  place.hidden = false;
  const section = place.closest<HTMLElement>(".passkey-section");
  if (section) section.hidden = false;
  const button = place.querySelector("button")!;
  const said = place.querySelector<HTMLElement>("[role=alert]")!;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "";
    try {
      await (place.dataset["passkey"] === "use" ? use() : make(place.dataset["invitation"] || null));
      location.assign(place.dataset["next"] ?? "/");
    } catch (failure) {
      const stopped = failure instanceof DOMException;
      said.textContent = (stopped ? place.dataset["stopped"] : (failure as Error).message || place.dataset["refused"]) ?? "";
      button.disabled = false;
    }
  });
}
