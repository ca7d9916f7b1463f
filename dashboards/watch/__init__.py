"""What must be looked at: devices, problems, what was done."""
