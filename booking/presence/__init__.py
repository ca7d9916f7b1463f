"""Who is there and who does not come: check-in, release, overrun, and the permission to start."""
