"""Where a yen comes from, in numbers and in words."""
