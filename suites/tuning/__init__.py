"""Tuning: the same search for every algorithm, on seeds that no result uses."""
