"""What is free across all machines, which of them could measure a part, and what takes them."""
