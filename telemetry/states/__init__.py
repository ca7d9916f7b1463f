"""What machines were seen doing: rules, the fold of readings by them, and what is so now."""
