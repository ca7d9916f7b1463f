"""Statements, and closing a month."""
