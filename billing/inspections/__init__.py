"""What the ward may look into: the uses of a subsidised asset in a year, masked, for a time, each look on record."""
