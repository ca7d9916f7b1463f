"""A month on its way: drafted, closed with its evidence, verified ever after."""
