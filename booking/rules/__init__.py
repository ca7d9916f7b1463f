"""What a machine asks of a slot: pure rules, the facts that they judge, and how the office edits them."""
