"""Stored policies again: evaluated bit for bit, filmed, and for use elsewhere."""
