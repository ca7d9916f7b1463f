"""What machines cost, in pools, and who bears it."""
