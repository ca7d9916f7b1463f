"""Moyai on a phone's first screen: manifest, icons, the service worker and what it shows without a connection."""
