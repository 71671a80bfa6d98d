"""Models small enough to solve, their solutions, and environments that sample them."""
