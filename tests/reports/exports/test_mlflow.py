"""Against the real package in a database on disk, where it is installed; and a stand-in for what needs none."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from pgsuite.errors import UsageError
from pgsuite.reports.exports import export_mlflow


class Client:
    """What is used of MLflow's client, in memory."""

    stores: dict = {}  # noqa: RUF012

    def __init__(self, tracking_uri):
        self.store = self.stores.setdefault(tracking_uri, {"experiments": {}, "runs": {}, "deleted": []})

    def search_experiments(self, max_results):
        return []

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=name) if name in self.store["experiments"] else None

    def create_experiment(self, name):
        self.store["experiments"][name] = True
        return name

    def search_runs(self, experiments, filter_string):
        key = filter_string.split("'")[1]
        return [
            r
            for r in self.store["runs"].values()
            if r.tags["pgsuite.run"] == key and r.info.run_id not in self.store["deleted"]
        ]

    def delete_run(self, run_id):
        self.store["deleted"].append(run_id)

    def create_run(self, experiment, start_time, tags, run_name):
        run_id = str(len(self.store["runs"]))
        info = SimpleNamespace(run_id=run_id)
        self.store["runs"][run_id] = SimpleNamespace(
            info=info, tags=tags, name=run_name, start=start_time, metrics=[], params=[], ended=False
        )
        return self.store["runs"][run_id]

    def log_batch(self, run_id, metrics=(), params=()):
        assert len(metrics) <= 1000
        assert len(params) <= 100
        self.store["runs"][run_id].metrics += metrics
        self.store["runs"][run_id].params += params

    def set_terminated(self, run_id):
        self.store["runs"][run_id].ended = True


@pytest.fixture
def store(monkeypatch):
    class MlflowException(Exception):
        pass

    entities = SimpleNamespace(
        Metric=lambda key, value, timestamp, step: (key, value, timestamp, step), Param=lambda key, value: (key, value)
    )
    modules = {
        "mlflow": SimpleNamespace(entities=entities),
        "mlflow.exceptions": SimpleNamespace(MlflowException=MlflowException),
        "mlflow.tracking": SimpleNamespace(MlflowClient=Client),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    Client.stores = {}
    return lambda: Client.stores["sqlite:///x"]


def test_a_run_each_with_its_settings_and_rows(store, frame, settings):
    assert export_mlflow(frame, "sqlite:///x", settings) == 2
    first, second = store()["runs"].values()
    assert list(store()["experiments"]) == ["pgsuite quick"]
    assert (first.name, first.ended, second.ended) == ("trpo · CartPole-v1 · seed 0", True, True)
    assert ("settings.max_kl", "0.01") in first.params
    assert ("score", 0.5, first.start + 1500, 1000) in first.metrics
    assert ("metric/kl", 0.01, first.start + 1500, 1000) in first.metrics


def test_the_same_again_replaces_the_runs(store, frame):
    for _ in range(2):
        export_mlflow(frame, "sqlite:///x")
    assert store()["deleted"] == ["0", "1"]
    assert len(store()["runs"]) == 4


def test_a_missing_package_names_the_extra(frame, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[mlflow\]'"):
        export_mlflow(frame, "sqlite:///x")


REAL = """
import sys, warnings
import pandas as pd
from pgsuite.errors import UsageError
from pgsuite.reports.exports import export_mlflow
from mlflow.tracking import MlflowClient
frame = pd.read_parquet(sys.argv[1]).assign(**{"metric/../é": 7.0})
for _ in range(2):
    export_mlflow(frame, sys.argv[2], {"a" * 64: {"max_kl": 0.01}})
client = MlflowClient(tracking_uri=sys.argv[2])
experiment = client.get_experiment_by_name("pgsuite quick")
runs = sorted(client.search_runs([experiment.experiment_id]), key=lambda run: run.info.run_name)
for run in runs:
    history = sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, "return"))
    print(run.info.run_name, run.info.status, history, run.data.params["settings.max_kl"])
try:
    export_mlflow(frame, "nowhere://x")
except UsageError as error:
    print("refused" if str(error).startswith("--mlflow nowhere://x: ") else error)
"""


def test_the_real_package_with_a_database(frame, tmp_path):
    for package in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(package)
    frame.to_parquet(tmp_path / "frame.parquet")
    arguments = [sys.executable, "-c", REAL, str(tmp_path / "frame.parquet"), f"sqlite:///{tmp_path}/x.db"]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "trpo · CartPole-v1 · seed 0 FINISHED [(0, 20.0), (1000, 260.0)] 0.01",
        "trpo · CartPole-v1 · seed 3 FINISHED [(0, 20.0)] 0.01",
        "refused",
    ]
