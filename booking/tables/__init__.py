"""Tables and calendars in and out."""
