"""The timeline: all machines below each other, what is booked and what they did."""
