"""Suites: files, schema, training loop, evaluation, scheduler."""
