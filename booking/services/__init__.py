"""What can be booked on a machine: its services, what they need beside it, and work done on commission."""
