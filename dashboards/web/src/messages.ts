/** Lets this browser be pushed to, where it can: asks for permission, subscribes, and tells the server. */
const button = document.querySelector<HTMLButtonElement>("#push-here");
const said = document.querySelector<HTMLElement>("#push-said");

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

async function subscribe(): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("not permitted");
  const answer = await fetch("/api/v1/me/push");
  const { application_server_key } = (await answer.json()) as { application_server_key: string };
  const worker = await navigator.serviceWorker.register("/service-worker.js");
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(application_server_key),
  });
  const told = await fetch("/api/v1/me/push", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(subscription.toJSON()),
  });
  if (!told.ok) throw new Error(`${told.status}`);
}

if (button && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  document.querySelector("#push-unable")?.remove();
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    subscribe().then(
      () => location.reload(),
      () => {
        button.disabled = false;
        if (said) said.textContent = document.querySelector<HTMLElement>("#push")?.dataset["refused"] ?? "";
      },
    );
  });
}
