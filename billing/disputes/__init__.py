"""A member questions a line: what was asked, answered and done about it."""
