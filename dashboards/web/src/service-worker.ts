/// <reference lib="webworker" />
/**
 * Keeps the bundled files (their names change with what is in them) and one page that says that there is no connection.
 * Pages and answers are somebody's own and are never kept: they come from the server or not at all.
 */
import { KEPT, LAST_KNOWN, OFFLINE } from "./parts/kept";

declare const self: ServiceWorkerGlobalScope;

const isBundled = (path: string): boolean => path.startsWith("/assets/") || path.startsWith("/icons/");

/** The page for no connection as nobody reads it, and what it needs to be shown. */
async function keepOffline(): Promise<void> {
  const kept = await caches.open(KEPT);
  const page = await fetch(OFFLINE, { credentials: "omit", cache: "no-store" });
  if (!page.ok) throw new Error(`${OFFLINE}: ${page.status}`);
  const needed = new Set((await page.clone().text()).match(/\/(?:assets|icons)\/[\w.-]+/g));
  await kept.addAll([...needed]);
  await kept.put(OFFLINE, page);
  for (const request of await kept.keys()) {
    const path = new URL(request.url).pathname;
    if (path.startsWith("/assets/") && !needed.has(path)) await kept.delete(request);
  }
}

async function bundled(request: Request): Promise<Response> {
  const kept = await caches.open(KEPT);
  const found = await kept.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await kept.put(request, answer.clone());
  return answer;
}

async function page(request: Request): Promise<Response> {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    await kept.put(LAST_KNOWN, new Response(new Date().toISOString()));
    return answer;
  } catch {
    return (await kept.match(OFFLINE)) ?? Response.error();
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(keepOffline().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== self.location.origin) return;
  if (isBundled(address.pathname)) event.respondWith(bundled(event.request));
  else if (event.request.mode === "navigate") event.respondWith(page(event.request));
});

/** What people are told while no page is open; `booking/messages/letters.py` says it. */
interface Told {
  title: string;
  body: string;
  url: string;
  tag: string;
}

self.addEventListener("push", (event) => {
  if (!event.data) return;
  const { title, body, url, tag } = event.data.json() as Told;
  const shown = { body, tag, data: url, icon: "/icons/icon-192.png", badge: "/icons/icon-192.png" };
  event.waitUntil(self.registration.showNotification(title, shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(String(event.notification.data), self.location.origin);
  // A page of ours, whatever address the office gave it by.
  event.waitUntil(self.clients.openWindow(`${address.pathname}${address.search}`));
});
