"""Statistics over runs, as pure functions of arrays and tidy frames."""
