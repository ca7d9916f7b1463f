"""Who paid for an asset, what it was used for and cost in fiscal years, and what the ward may look into."""
