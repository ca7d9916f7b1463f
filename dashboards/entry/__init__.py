"""Coming in: signing in, and the language of this browser."""
