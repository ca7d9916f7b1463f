"""Whether a machine may be trusted: certificates, daily checks, the room, and whom a failure concerns."""
