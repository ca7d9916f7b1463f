"""A fiscal year of the cooperative: use by non-members, and refunds in proportion to use."""
