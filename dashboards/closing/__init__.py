"""Pages of a month: what is still wrong, who agrees, what became of it, and what other rules would make of it."""
