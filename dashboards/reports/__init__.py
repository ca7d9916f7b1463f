"""How well the machines are used."""
