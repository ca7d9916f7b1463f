"""Today: every machine as a card."""
