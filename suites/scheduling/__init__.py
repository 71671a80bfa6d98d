"""Whose turn it is, and where: jobs are cut once, and done by local processes or as tasks of a Ray cluster."""
