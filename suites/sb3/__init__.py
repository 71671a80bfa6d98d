"""Stable-Baselines3's own training, evaluated by this project's protocol while it runs."""
