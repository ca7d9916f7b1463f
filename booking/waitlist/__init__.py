"""Who waits for time, and how time that became free is offered to them."""
