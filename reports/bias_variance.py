"""The bias-variance picture of generalised advantages: what λ trades, at several errors of the critic.

Source of the picture: Schulman et al. (2016), section 3.
"""

from pathlib import Path
from typing import Any

import pandas as pd

CAPTION = (
    "Actor-critic's gradient on the corridor under a fixed policy, relative to the exact gradient with the true "
    "advantage. Left: bias; lines are exact, dots are measured, with the standard error of the mean gradient. Right: "
    "standard deviation of one batch. The critic is off by the given share of the values' root mean square."
)
_COLOURS = ("#000000", "#0072b2", "#009e73", "#d55e00")


def bias_variance_table(audit: dict[str, Any], algorithm: str) -> pd.DataFrame:
    """Return one row per critic error and λ; empty for an algorithm without λ."""
    return pd.DataFrame(audit["algorithms"][algorithm]["bias_variance"])


def plot_bias_variance(audit: dict[str, Any], out: Path, algorithm: str = "actor-critic") -> list[Path]:
    """Draw bias and noise over λ into ``out``, an existing folder.

    Returns:
        The PNG and the SVG file; nothing when the audit has no such curve.
    """
    if algorithm not in audit["algorithms"]:
        return []
    table = bias_variance_table(audit, algorithm)
    if table.empty:
        return []
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: Any = {
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "pgsuite",
    }
    with rc_context(style):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        bias, noise = figure.subplots(1, 2)
        for (error, group), colour in zip(table.groupby("critic_error"), _COLOURS, strict=False):
            label = f"critic off by {float(str(error)):.0%}" if error else "exact critic"
            bias.plot(group["trace"], group["exact_bias"], color=colour, label=label)
            bias.errorbar(group["trace"], group["bias"], group["bias_error"], color=colour, fmt="o", ms=3, lw=0.8)
            noise.plot(group["trace"], group["noise"], color=colour, marker="o", ms=3, label=label)
        bias.set(xlabel="λ", ylabel="bias / length of the gradient", title="Bias")
        noise.set(xlabel="λ", ylabel="deviation / length of the gradient", title="Noise of one batch")
        noise.set_ylim(bottom=0)
        bias.legend(frameon=False)
        files = [out / f"bias-variance.{ending}" for ending in ("png", "svg")]
        for file in files:
            metadata: Any = {"Date": None} if file.suffix == ".svg" else None
            figure.savefig(file, dpi=160, metadata=metadata)
    return files
