"""Who may use which kind of machine alone, and how one learns it."""
