"""One machine's own pages."""
