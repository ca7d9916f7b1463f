"""What is owed and paid: double-entry, only added to."""
