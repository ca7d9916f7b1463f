"""What concerns whoever is signed in: reservations, waiting, their page."""
