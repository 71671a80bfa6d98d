"""MLflow: an experiment per suite, a run each; a run that was exported before is deleted and made anew."""

import time
from collections.abc import Mapping
from typing import Any

from ...errors import UsageError, in_one_line
from ...foreign import plain
from .tracker import TrackedRun

KEY = "pgsuite.run"
"""The tag that tells a run from all others."""
BATCH = 1000
"""Metrics in one request: MLflow takes no more."""
LONGEST_VALUE = 500


class MLflow:
    """A tracker that logs to a tracking server or database."""

    def __init__(self, uri: str) -> None:
        try:
            from mlflow import entities
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise UsageError("exporting to MLflow needs mlflow: pip install 'pgsuite[mlflow]'") from None
        self._entities, self._uri = entities, uri
        try:
            self._client: Any = MlflowClient(tracking_uri=uri)
            self._client.search_experiments(max_results=1)
        except (MlflowException, ImportError, OSError, ValueError) as error:
            reason = in_one_line(error)[:200]
            raise UsageError(f"--mlflow {uri}: {reason}; name a server, or a file as sqlite:///mlflow.db") from error
        except Exception as error:  # of the database's driver
            raise UsageError(
                f"--mlflow {uri}: {in_one_line(error)[:200]}; name a server, or a file as sqlite:///mlflow.db"
            ) from error
        self._run, self._metrics, self._start = "", list[Any](), 0

    def start(self, run: TrackedRun) -> None:
        """Begin a run in the experiment named after its suite."""
        client, entities = self._client, self._entities
        title = f"pgsuite {run.suite}"[:LONGEST_VALUE].strip()
        found = client.get_experiment_by_name(title)
        experiment = found.experiment_id if found else client.create_experiment(title)
        for old in client.search_runs([experiment], filter_string=f"tags.`{KEY}` = '{run.key}'"):
            client.delete_run(old.info.run_id)
        self._start = int(time.time() * 1000)
        made = client.create_run(experiment, start_time=self._start, tags={KEY: run.key}, run_name=run.name[:250])
        self._run, self._metrics = made.info.run_id, []
        parameters = [entities.Param(name, plain(str(value))[:LONGEST_VALUE]) for name, value in run.facts.items()]
        client.log_batch(self._run, params=parameters[:100])

    def log(self, env_steps: int, seconds: float, values: Mapping[str, float]) -> None:
        """Keep one checkpoint's numbers for `finish`."""
        at = self._start + int(1000 * seconds)
        self._metrics += [self._entities.Metric(name, value, at, env_steps) for name, value in values.items()]

    def finish(self) -> None:
        """Send the numbers and end the run."""
        for first in range(0, len(self._metrics), BATCH):
            self._client.log_batch(self._run, metrics=self._metrics[first : first + BATCH])
        self._client.set_terminated(self._run)
