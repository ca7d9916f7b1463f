"""The office's tables, and what it does while a caller is on the telephone."""
