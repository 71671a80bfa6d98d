"""The regression gate: two versions of the code run the same seeds, and a verdict says whether one is worse."""
