"""What derivation cannot settle and a person must look at; raised and closed by itself, once while it lasts."""
