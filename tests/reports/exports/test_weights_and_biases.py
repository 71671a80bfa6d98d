"""Against a stand-in everywhere, whose calls the real package must accept, and the real package where it is."""

import inspect
import json
import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pgsuite.errors import UsageError
from pgsuite.reports.exports import export_wandb


class StandIn(SimpleNamespace):
    """What is used of wandb, written down."""

    def __init__(self):
        class Error(Exception):
            pass

        super().__init__(calls=[], errors=SimpleNamespace(Error=Error), Settings=lambda **options: options)

    def init(self, **arguments):
        self.calls.append(("init", arguments))
        return SimpleNamespace(
            log=lambda *args, **kwargs: self.calls.append(("log", args, kwargs)),
            define_metric=lambda *args, **kwargs: self.calls.append(("define_metric", args, kwargs)),
            finish=lambda: self.calls.append(("finish",)),
        )


@pytest.fixture
def wandb(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    return stand_in


def test_a_run_each_with_its_settings_and_rows(wandb, frame, settings, tmp_path):
    assert export_wandb(frame, "mine", tmp_path / "out", settings) == 2
    names = [call[0] for call in wandb.calls]
    assert names == ["init", "define_metric", "log", "log", "finish", "init", "define_metric", "log", "finish"]
    opened = wandb.calls[0][1]
    assert (opened["project"], opened["dir"]) == ("mine", str(tmp_path / "out"))
    assert opened["name"] == "trpo · CartPole-v1 · seed 0"
    assert opened["config"]["settings.max_kl"] == 0.01
    assert opened["id"] != wandb.calls[5][1]["id"]
    (logged,), options = wandb.calls[3][1:]
    assert (logged["env_steps"], logged["return"], logged["score"]) == (1000, 260.0, 0.5)
    assert options == {"step": 1000}


def test_hostile_names_are_no_identifiers(wandb, frame, tmp_path):
    export_wandb(frame.assign(algorithm="../x" * 99, env="\x00"), "mine", tmp_path)
    opened = wandb.calls[0][1]
    assert opened["id"].isalnum()
    assert len(opened["name"]) <= 120
    assert len(opened["group"]) <= 120


def test_what_wandb_refuses_is_one_line(wandb, frame, tmp_path):
    def refuse(**arguments):
        raise wandb.errors.Error("no\nkey")

    wandb.init = refuse
    with pytest.raises(UsageError, match=r"no key; `wandb login`, or set WANDB_MODE=offline"):
        export_wandb(frame, "mine", tmp_path)


def test_a_missing_package_names_the_extra(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[wandb\]'"):
        export_wandb(frame, "mine", tmp_path)


REAL = """
import sys, inspect, json, pickle
from pathlib import Path
import pandas as pd
from pgsuite.reports.exports import export_wandb
export_wandb(pd.read_parquet(sys.argv[1]), "mine", Path(sys.argv[2]))
"""


def records(path):
    """The protocol buffers of a .wandb file: LevelDB's log format after a header of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    data, place, part = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        part += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or last piece
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            yield record
            part = b""


def test_the_real_package_offline(frame, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    frame.to_parquet(tmp_path / "frame.parquet")
    monkeypatch.setenv("WANDB_MODE", "offline")
    arguments = [sys.executable, "-c", REAL, str(tmp_path / "frame.parquet"), str(tmp_path / "out")]
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    (first, second) = sorted((tmp_path / "out").glob("wandb/offline-run-*/*.wandb"))
    histories, names = [], set()
    for file in (first, second):
        for record in records(file):
            if record.HasField("run"):
                names.add(record.run.display_name)
            if record.HasField("history"):
                items = {
                    item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                histories.append((items["env_steps"], items["return"], items["score"]))
    assert names == {"trpo · CartPole-v1 · seed 0", "trpo · CartPole-v1 · seed 3"}
    assert sorted(histories) == [(0, 20.0, 0.0), (0, 20.0, 0.0), (1000, 260.0, 0.5)]


def test_the_real_package_takes_the_calls_of_the_stand_in(wandb, frame, tmp_path, monkeypatch):
    export_wandb(frame, "mine", tmp_path)
    calls = wandb.calls
    monkeypatch.delitem(sys.modules, "wandb")
    real = pytest.importorskip("wandb")
    inspect.signature(real.init).bind(**calls[0][1])
    inspect.signature(real.Run.log).bind(None, *calls[2][1], **calls[2][2])
    inspect.signature(real.Run.define_metric).bind(None, *calls[1][1], **calls[1][2])
