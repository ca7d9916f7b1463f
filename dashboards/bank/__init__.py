"""Pages of the bank: files that go out, what came in, and what is owed."""
