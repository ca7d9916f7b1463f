"""What a use costs: tariffs in versions, the fee of a use, and the price of a slot that nobody used yet."""
