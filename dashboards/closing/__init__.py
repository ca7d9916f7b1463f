"""Pages of a month on its way: what is still wrong, who agrees, what became of it, and what it would be by other rules."""
