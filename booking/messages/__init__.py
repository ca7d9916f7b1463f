"""What people and programs are told: letters, calendars, webhooks."""
