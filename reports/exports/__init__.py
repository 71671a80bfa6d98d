"""Results for other people's dashboards: TensorBoard, Weights & Biases, MLflow."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ...results.store.gathering import Gathered
from ...wording import plural
from .tracker import Settings, Tracker, export

__all__ = ["Settings", "Tracker", "export", "export_mlflow", "export_tensorboard", "export_to", "export_wandb"]


def export_to(
    gathered: Gathered,
    out: Path,
    *,
    tensorboard: bool = False,
    wandb: str | None = None,
    mlflow: str | None = None,
) -> Iterator[str]:
    """Export a comparison's results, and say of each export in a line what was done.

    Args:
        gathered: the results.
        out: the report's folder; files go below it.
        tensorboard: whether to write event files.
        wandb: project of Weights & Biases.
        mlflow: URI of an MLflow store.

    Raises:
        UsageError: a package is not installed, or a service does not answer.
        PgsuiteError: a file cannot be written.
    """
    frame = gathered.frame
    settings = {member.fingerprint: member.record.get("configuration", {}) for member in gathered.members}
    if tensorboard:
        folder = out / "tensorboard"
        written = plural(export_tensorboard(frame, folder, settings), "run")
        yield f"wrote {written} to {folder}; see them with `tensorboard --logdir {folder}`"
    if wandb:
        count = plural(export_wandb(frame, wandb, out, settings), "run")
        yield f"logged {count} to project {wandb} of Weights & Biases"
    if mlflow:
        yield f"logged {plural(export_mlflow(frame, mlflow, settings), 'run')} to {mlflow}"


def export_tensorboard(frame: pd.DataFrame, out: Path, settings: Settings | None = None) -> int:
    """Write an event file per run below ``out``, replacing those written before; return their number.

    Args:
        frame: as `pgsuite.results.load` gives it, with or without ``label``.
        out: folder, for ``tensorboard --logdir``.
        settings: configurations by fingerprint.

    Raises:
        UsageError: tensorboard is not installed.
        PgsuiteError: a file cannot be written.
    """
    from .tensorboard import TensorBoard

    return export(frame, TensorBoard(out), settings)


def export_wandb(frame: pd.DataFrame, project: str, out: Path, settings: Settings | None = None) -> int:
    """Log every run to a project of Weights & Biases; return their number.

    With ``WANDB_MODE=offline`` they stay in ``out``, for ``wandb sync``.

    Raises:
        UsageError: wandb is not installed, or nobody is logged in.
    """
    from .weights_and_biases import WeightsAndBiases

    return export(frame, WeightsAndBiases(project, out), settings)


def export_mlflow(frame: pd.DataFrame, uri: str, settings: Settings | None = None) -> int:
    """Log every run to an MLflow server or database, such as ``sqlite:///mlflow.db``; return their number.

    Raises:
        UsageError: mlflow is not installed, or the store cannot be reached.
    """
    from .mlflow import MLflow

    return export(frame, MLflow(uri), settings)
