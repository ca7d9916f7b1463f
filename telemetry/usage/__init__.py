"""Whose time on a machine it was: occupied stretches, attributed to reservations or by people's decisions."""
