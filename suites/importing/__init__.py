"""Results from elsewhere: tidy CSV, Stable-Baselines3's monitor files and evaluations, RL Zoo's log folders.

They are read and checked, held to rules of measurement, and put into a results folder whole. Nothing is ever unpickled.
"""
