"""A suite run into an object store: by two commands at once, past failures of the service, and read from there."""

import os
import subprocess
import sys

import numpy as np
import pytest

import pgsuite as package
from pgsuite.results import load, read_manifest
from pgsuite.results.store.bank import read_runs
from pgsuite.results.store.folders import read_folder
from pgsuite.results.store.places import place_of
from pgsuite.suites.check.sides import is_recorded, recorded

from ..objects import SECRETS, every_tenth, served

RUN = ["run", "mine.toml", "-e", "CartPole-v1", "--steps", "60", "-a", "reinforce", "--workers", "1", "--no-report"]


@pytest.fixture(scope="module")
def server():
    with served() as objects:
        yield objects


@pytest.fixture
def url(server):
    server.fault = every_tenth
    yield f"s3://{server.bucket()}/lab/mine"
    server.fault = lambda number: ""


def bits(place):
    """Those of every run."""
    cells = read_folder(place_of(place)).cells
    return {
        cell.store.path.name: {seed: run.bits for seed, run in read_runs(cell.store, cell.there).items()}
        for cell in cells
    }


def test_two_commands_at_once_past_every_tenth_failure_leave_what_one_leaves_in_a_folder(pgsuite, place, url, tmp_path):
    other = [sys.executable, "-m", "pgsuite.cli", *RUN, "--seeds", "1-3", "--out", url]
    at_once = subprocess.Popen(
        other, cwd=place, env=os.environ | {"PYTHONPATH": str(place)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    code, _, err = pgsuite(*RUN, "--seeds", "0-2", "--out", url)
    assert (code, at_once.wait(120)) == (0, 0), (err, at_once.stdout.read())
    at_once.stdout.close()
    assert pgsuite(*RUN, "--seeds", "0-3", "--out", str(tmp_path))[0] == 0
    assert read_manifest(place_of(url)).cells[0].seeds == (0, 1, 2, 3)
    assert bits(url) == bits(str(tmp_path))
    assert "4 of 4 runs are there, 0 to do" in pgsuite(*RUN, "--seeds", "0-3", "--out", url)[2]

    code, _, err = pgsuite("report", url)
    assert (code, err) == (0, "")
    folder = place / "runs" / f"{place_of(url).bucket}-lab-mine" / "report"
    assert (folder / "report.html").is_file()
    written = [path.read_bytes() for path in [*folder.rglob("*.*"), *tmp_path.rglob("*.json")]]
    assert not any(SECRETS[name].encode() in content for content in written for name in list(SECRETS)[:2])

    assert pgsuite("plan", url)[0] == 0
    code, out, _ = pgsuite("replay", url, "--seed", "2", "--trust")
    assert (code, "bit-equal to the recorded evaluation" in out) == (0, True)
    assert isinstance(package.load_policy(url, seed=1, trust=True)(np.zeros(4)), int | np.integer)
    assert load(url).equals(load(url, url))
    assert is_recorded(place_of(url))
    assert recorded(place_of(url), "mine").cells[KEY].runs[3].bits == recorded(tmp_path, "mine").cells[KEY].runs[3].bits


KEY = ("reinforce", "CartPole-v1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "s3://me:hunter2@bucket/a"], "s3://bucket/a was given with credentials"),
        (["plan", "s3://bucket/a?X-Amz-Credential=hunter2"], "s3://bucket/a was given with credentials or a query"),
        (["run", "quick", "--out", "azure://bucket/a"], "azure://bucket/a: results are kept in folders"),
        (["replay", "s3:///a"], "names no bucket"),
        (["report", "s3://nobody-has-it/a"], "there is no bucket s3://nobody-has-it"),
        (["report", "runs", "-o", "s3://bucket/a"], "-o s3://bucket/a: this is not written to URLs"),
        (
            ["tune", "quick", "--trials", "2", "--out", "s3://bucket/a"],
            "--out s3://bucket/a: this is not written to URLs",
        ),
        (
            ["sweep", "quick", "num_envs=1", "--out", "s3://bucket/a"],
            "--out s3://bucket/a: this is not written to URLs",
        ),
        (["import", "mine.csv", "-o", "s3://bucket/a"], "-o s3://bucket/a: this is not written to URLs"),
        (
            ["check", "quick", "-b", "HEAD", "--out", "s3://bucket/a"],
            "--out s3://bucket/a: this is not written to URLs",
        ),
    ],
)
def test_a_url_that_will_not_do_is_one_line_and_exit_code_2(arguments, said, pgsuite, server, csv):
    code, out, err = pgsuite(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert "hunter2" not in err


def test_a_baseline_that_is_not_at_its_url_is_missing(pgsuite, server):
    code, _, err = pgsuite("check", "quick", "--baseline", f"s3://{server.bucket()}/banks/quick.json")
    assert (code, "make it with `pgsuite bless quick -o s3://" in err) == (4, True)
