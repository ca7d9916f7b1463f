/** On every page: the service worker, which lets the app be put on a phone's first screen. */
if ("serviceWorker" in navigator && isSecureContext) void navigator.serviceWorker.register("/service-worker.js");
