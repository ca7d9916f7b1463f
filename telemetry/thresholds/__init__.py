"""From how many watts on a machine measures: proposed from a recorded day, or found by operating it."""
