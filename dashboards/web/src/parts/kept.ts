/** What the service worker keeps: bundled files, the page for no connection, and when there last was one. */
export const KEPT = "moyai-1";
export const OFFLINE = "/offline";
export const LAST_KNOWN = "/last-known";
