"""What members are sent: invoices and other documents as PDF, numbered, kept, and found again."""
