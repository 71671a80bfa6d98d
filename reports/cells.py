"""What identifies a cell in a report, and what it is called there."""

import pandas as pd

CELL = ["suite", "env", "algorithm", "fingerprint"]


def labels(frame: pd.DataFrame) -> "pd.Series[str]":
    """A name per row that is unique within its environment.

    It is the algorithm's name, with the first digits of the fingerprint where a suite holds several cells of that
    algorithm on that environment (results of different configurations or of different code).
    """
    versions = frame.groupby(["suite", "env", "algorithm"])["fingerprint"].transform("nunique")
    names = frame["algorithm"].astype("str")
    return names.where(versions <= 1, names + " @" + frame["fingerprint"].astype("str").str[:6])
