"""Results below URLs, against an S3 server on the loopback interface."""

import json
import os
import pickle
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from werkzeug.serving import make_server

from pgsuite.errors import UsageError
from pgsuite.results import CellStore, CurveRow, gather, load
from pgsuite.results.store import remote
from pgsuite.results.store.folders import read_folder
from pgsuite.results.store.manifest import ExpectedCell, Manifest, change_manifest, read_manifest, record_failures
from pgsuite.results.store.places import local, place_of
from pgsuite.results.store.reading import DamagedFile
from pgsuite.results.store.remote import Moved, RemoteTrouble
from pgsuite.results.store.store import cell_folder

from ...objects import SECRETS, every_tenth, served

ROWS = [CurveRow(k, 100 * k, 100 * k, float(k), 1.0, 10, 20.0, 200, k, 0.5 * k) for k in range(3)]
FINGERPRINT = "0123456789abcdef" * 4
COMPLETE, PARTIAL = {"status": "complete"}, {"status": "partial"}
RECORD = {"suite": "quick", "steps": 200, "protocol": {"checkpoints": 2}}


def at(checkpoint, weights=(0.0, 1.0)):
    """A snapshot."""
    marks = {"checkpoint": np.array([checkpoint]), "diverged_at": np.array([-1])}
    return {"state.w": np.array(weights), "behaviour.w": np.array(weights), **marks}


def checkpoint(store, seed, upto, status=PARTIAL, rows=ROWS, **weights):
    return store.write_checkpoint(seed, rows[: upto + 1], status, at(upto, **weights), {})


@pytest.fixture(scope="module")
def server():
    with served() as objects:
        yield objects
        objects.fault = lambda number: ""


@pytest.fixture
def out(server):
    """A results folder in a bucket of its own."""
    server.fault = lambda number: ""
    yield place_of(f"s3://{server.bucket()}/lab/quick")
    server.fault = lambda number: ""


def cell_at(out, algorithm="trpo"):
    store = CellStore(out, algorithm, "CartPole-v1", FINGERPRINT)
    store.create(RECORD)
    return store


def ask(out, *seeds, algorithm="trpo", suite="quick"):
    folder = cell_folder(algorithm, "CartPole-v1", FINGERPRINT)
    cell = ExpectedCell(algorithm, "CartPole-v1", folder, seeds)
    return change_manifest(out, suite, lambda manifest: manifest.asking([cell]))


@pytest.fixture(params=["folder", "s3", "gs"])
def anywhere(request, tmp_path):
    return (
        tmp_path if request.param == "folder" else request.getfixturevalue("out" if request.param == "s3" else "google")
    )


@pytest.fixture
def google(out):
    """The same in Google Cloud Storage."""
    return place_of(str(out).replace("s3:", "gs:"))


# What a text names.


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket/a//b/", "s3://bucket/a/b"),
        ("S3://bucket/A b/ü%20", "s3://bucket/A b/ü%20"),
        ("gs://bucket/a", "gs://bucket/a"),
        ("file:///tmp/a", "/tmp/a"),
        ("runs/a", "runs/a"),
    ],
)
def test_places(text, place):
    assert str(place_of(text)) == place
    assert place_of(place_of(text)) == place_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://user:hunter2@bucket/a", "s3://bucket/a was given with credentials"),
        ("s3://bucket/a?X-Amz-Signature=hunter2", "s3://bucket/a was given with credentials or a query"),
        ("s3://bucket/a#hunter2", "s3://bucket/a was given with credentials or a query"),
        ("https://user:hunter2@bucket.s3.amazonaws.com/a?hunter2", "https://bucket.s3.amazonaws.com/a was given with"),
        ("s3a://bucket/a", "s3a://bucket/a: results are kept in folders, and at URLs of s3://, gs:// alone"),
        ("s3:///a", "s3:///a names no bucket: write s3://BUCKET/PREFIX"),
        ("s3://", "names no bucket"),
        ("s3://b_!/a", "names no bucket"),
        ("s3://bucket/a/../b", "printable names"),
        ("s3://bucket/a\nb", "printable names"),
    ],
)
def test_what_is_no_place_is_refused_and_secrets_are_not_repeated(text, said):
    with pytest.raises(UsageError) as refused:
        place_of(text)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://x/y", "s3://x/y"),
        ("S3://bucket", "s3://bucket"),
        ("http://me:hunter2@host/a?hunter2", "http://host/a"),
        (remote.Remote("s3", "bucket", "a"), "s3://bucket/a"),
    ],
)
def test_a_url_is_no_folder_whether_it_is_a_place_or_not(text, shown):
    with pytest.raises(UsageError, match=rf"^--out {shown}: this is not written to URLs; name a folder, and copy"):
        local(text, "--out")


def test_a_folder_may_be_written_as_a_url():
    assert local("file:///a/b", "--out") == Path("/a/b")
    assert local("a//b", "--out") == local(Path("a/b"), "--out") == Path("a/b")


def test_a_url_that_became_a_path_is_told():
    with pytest.raises(UsageError, match="has lost a slash: give a URL as text"):
        place_of(Path("s3://bucket/a"))


# Objects.


def test_an_object_is_created_once_and_swapped_only_where_it_is_the_one_that_was_seen(out):
    path = out / "file"
    assert path.version() is None
    first = path.write_after(b"one", None)
    assert path.version() == first
    with pytest.raises(Moved):
        path.write_after(b"other", None)
    second = path.write_after(b"two", first)
    with pytest.raises(Moved):
        path.write_after(b"three", first)
    assert (path.read(10), path.version()) == (b"two", second)
    path.unlink()
    with pytest.raises(Moved):
        path.write_after(b"four", second)
    with pytest.raises(FileNotFoundError):
        path.read(10)


def test_google_compares_and_swaps_generations(google, server):
    first = (google / "a").write_after(b"one", None)
    assert first["version"].isdecimal()
    with pytest.raises(Moved):
        (google / "a").write_after(b"two", None)
    second = (google / "a").write_after(b"two", first)
    with pytest.raises(Moved):
        (google / "a").write_after(b"three", first)
    assert (google / "a").version()["version"] == second["version"]
    assert [place.name for place in google.iterdir()] == ["a"]
    store = cell_at(google)
    assert ask(google, 0) == ""
    assert checkpoint(store, 0, 2, COMPLETE) == ""
    assert gather([str(google)]).whole


def test_of_many_who_create_one_object_one_does(out):
    def create(number):
        try:
            (out / "file").write_after(b"%d" % number, None)
        except Moved:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_prefixes_of_prefixes_are_apart(out):
    for name in ("a", "ab", "a/b"):
        (out / name / "file").write(b"x")
    assert [place.name for place in (out / "a").iterdir()] == ["b", "file"]
    assert [place.name for place in (out / "a").looked().iterdir()] == ["b", "file"]
    assert [place.name for place in out.iterdir()] == ["a", "ab"]
    assert (out / "a").is_dir()
    assert not (out / "a").is_file()
    assert not (out / "A").exists()
    assert not (out / "abc").exists()


def test_a_conflict_that_wrote_nothing_is_tried_again(out, monkeypatch):
    """S3 answers 409 to a create while the object is being deleted; the library takes it for one that is there."""
    put, refused = remote.Remote._put, []

    def conflict(self, content, mode):
        if mode == "create" and str(self) not in refused:
            refused.append(str(self))
            raise Moved
        return put(self, content, mode)

    monkeypatch.setattr(remote.Remote, "_put", conflict)
    store = cell_at(out)
    assert ask(out, 0) == ""
    assert checkpoint(store, 0, 2, COMPLETE) == ""
    assert len(refused) == 4
    assert gather([str(out)]).whole


def test_a_bucket_may_be_a_results_folder(server):
    out = place_of(f"s3://{server.bucket()}/")
    store = cell_at(out)
    ask(out, 0)
    checkpoint(store, 0, 2, COMPLETE)
    (out / "elsewhere" / "deep" / "file").write(b"x")
    assert gather([str(out), f"{out}/"]).whole
    assert [found.store.path.name for found in read_folder(out).cells] == [store.path.name]


@pytest.mark.parametrize("name", ["a b", "ü", "100%25", "a+b", "~a", "a'b\"", "a&b=c"])
def test_names_are_kept_as_they_are(out, name):
    (out / name / "file").write(b"x")
    assert [place.name for place in out.iterdir()] == [name]
    assert (out / name / "file").read(10) == b"x"


def test_what_was_looked_at_stays_as_it_was_and_children_share_it(out, server):
    (out / "a").write(b"one")
    seen = out.looked()
    (out / "a").write(b"another")
    (out / "b").write(b"new")
    remote.fetch([seen / "a", seen / "b", seen / "c"])
    before = len(server.requests)
    assert (seen / "a").read(10) == b"another"
    assert not (seen / "b").exists()
    with pytest.raises(FileNotFoundError):
        (seen / "b").read(10)
    assert len(server.requests) == before
    assert (out / "b").exists()


def test_a_place_travels_without_what_was_read_of_it_and_without_credentials(out):
    (out / "a").write(b"one")
    seen = out.looked()
    travelled = pickle.dumps(seen)
    assert SECRETS["AWS_SECRET_ACCESS_KEY"].encode() not in travelled
    assert pickle.loads(travelled) == out
    assert pickle.loads(travelled).look is None


def test_what_is_too_large_is_refused_before_it_is_read(out):
    (out / "a").write(b"123456")
    for place in (out, out.looked()):
        with pytest.raises(OSError, match="larger"):
            (place / "a").read(5)


# The store.


def test_a_cell_at_a_url_is_what_it_is_in_a_folder(out, tmp_path):
    for place in (out, tmp_path):
        store = cell_at(place)
        ask(place, 3, 4)
        assert checkpoint(store, 3, 1) == ""
        assert store.seeds() == {3: "partial"}
        assert store.resumable(3).curve["checkpoint"].tolist() == [0, 1]
        assert checkpoint(store, 3, 2, COMPLETE) == ""
        assert store.seeds() == {3: "complete"}
        assert load(place).seed.unique().tolist() == [3]
    here, there = load(tmp_path), load(str(out))
    assert here.equals(there)
    names = sorted(file.name for file in tmp_path.rglob("*") if file.is_file() and file.name != ".manifest.lock")
    assert sorted(key.rpartition("/")[2] for key in out.looked().look.sizes) == names
    assert (out / "manifest.json").read(10**5) == (tmp_path / "manifest.json").read_bytes()
    assert gather([str(out)]).members[0].seeds("missing") == (4,)


def test_a_cell_travels_to_a_worker(out):
    store = pickle.loads(pickle.dumps(cell_at(out)))
    checkpoint(store, 0, 2, COMPLETE)
    assert cell_at(out).seeds() == {0: "complete"}


def test_damage_is_found_and_mended(out):
    store = cell_at(out)
    checkpoint(store, 0, 2, COMPLETE)
    content = bytearray(store.curve_file(0).read(10**6))
    content[len(content) // 2] ^= 1
    store.curve_file(0).write(bytes(content))
    assert store.seeds() == {0: "corrupt"}
    with pytest.raises(DamagedFile, match=r"s3://.*/seed-0\.parquet is damaged"):
        store.resumable(0)
    assert checkpoint(store, 0, 2, COMPLETE) == ""  # written over: this store has seen what is there
    assert store.seeds() == {0: "complete"}
    store._snapshot(0).write(b"{}")
    assert store.seeds() == {0: "corrupt"}
    (store.path / "cell.json").write(b"{")
    assert "Expecting" in CellStore(out, "trpo", "CartPole-v1", FINGERPRINT).create(RECORD)
    assert store.record()["suite"] == "quick"


def test_reading_hundreds_of_runs_takes_few_requests_that_wait_for_each_other(out, server):
    store = cell_at(out)
    ask(out, *range(40))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: checkpoint(store, seed, 2, COMPLETE), range(40)))
    before, server.most = len(server.requests), 0
    assert len(gather([str(out)]).frame) == 120
    assert server.most > 1  # at once; how many is the machine's affair
    read = server.requests[before:]
    assert sum("list-type" in path for _, path in read) == 1
    assert len(read) == 1 + 2 + 40  # the listing, manifest and record, and each curve once
    before, server.most = len(server.requests), 0
    assert set(store.seeds().values()) == {"complete"}
    assert len(server.requests) - before <= 2 + 2 * 40
    assert server.most > 1


# Two at once.


def test_a_finished_run_is_never_replaced_by_one_that_is_behind(anywhere):
    slow, quick = cell_at(anywhere), cell_at(anywhere)
    assert slow.resumable(0) is None
    assert quick.resumable(0) is None
    assert checkpoint(slow, 0, 0) == ""
    assert checkpoint(quick, 0, 1) == ""  # further: it takes over
    assert checkpoint(quick, 0, 2, COMPLETE) == ""
    assert checkpoint(slow, 0, 1) == ""  # behind: it is left as it is
    assert cell_at(anywhere).seeds() == {0: "complete"}
    assert cell_at(anywhere).resumable(0).curve["checkpoint"].tolist() == [0, 1, 2]
    assert checkpoint(slow, 0, 2, COMPLETE) == ""
    assert cell_at(anywhere).seeds() == {0: "complete"}


def test_whatever_two_workers_of_one_run_do_in_turn_something_whole_is_there(anywhere):
    """Two that write file by file, in many orders of their steps: the run is whole whenever anybody looks."""
    stages = [(1, PARTIAL), (2, COMPLETE)]
    orders = random.Random(0).sample([*combinations(range(10), 5)], 8 if isinstance(anywhere, Path) else 3)
    for seed, first in enumerate(orders):
        store = cell_at(anywhere)
        steps = {"a": _steps(cell_at(anywhere), seed, stages), "b": _steps(cell_at(anywhere), seed, stages)}
        for turn in range(10):
            next(steps["a" if turn in first else "b"])
            assert store._status(seed) in ("partial", "complete")
        assert store._status(seed) == "complete"


def _steps(store, seed, stages):
    """A run's checkpoints, written file by file: the next file each time that this is asked for it."""
    turn, paused = threading.Semaphore(0), threading.Semaphore(0)
    write = store._write_beside

    def in_turn(*args):
        paused.release()
        turn.acquire()
        return write(*args)

    def work():
        found = store.resumable(seed)
        reached = int(found.tensors["checkpoint"][0]) if found else -1
        for upto, status in stages:
            if upto > reached or status == COMPLETE:
                checkpoint(store, seed, upto, status)
        for _ in range(2 * len(stages) + 1):  # steps that it has no use for any more
            paused.release()

    store._write_beside = in_turn
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    paused.acquire()
    for _ in range(2 * len(stages) + 1):
        turn.release()
        paused.acquire()
        yield
    worker.join()


def test_other_bits_of_one_run_are_told_with_both_and_the_first_stay(anywhere):
    good, bad = cell_at(anywhere), cell_at(anywhere)
    for store in (good, bad):
        store.resumable(0)
    machine = {"provenance": {"machine": {"cpu": "Good CPU", "cpu_capability": "AVX2"}}}
    assert checkpoint(good, 0, 2, {**COMPLETE, **machine}) == ""
    wrong = [ROWS[0], ROWS[1], ROWS[2]._replace(return_mean=2.5)]
    said = checkpoint(bad, 0, 2, COMPLETE, rows=wrong)
    hashes = [
        word for word in said.replace(",", "").split() if len(word) == 16 and set(word) <= set("0123456789abcdef")
    ]
    assert len(set(hashes)) == 2
    assert "seed 0 came out different on two machines" in said
    assert "Good CPU, AVX2" in said
    assert str(good.curve_file(0)) in said
    assert good.read_curve(0)[0].return_mean.to_list() == [0.0, 1.0, 2.0]
    same = [row._replace(wall_time=77.0) for row in ROWS]  # times are nobody's fault
    assert checkpoint(cell_at(anywhere), 0, 2, COMPLETE, rows=same) == ""


def test_other_weights_are_told_too(anywhere):
    good, bad = cell_at(anywhere), cell_at(anywhere)
    for store in (good, bad):
        store.resumable(0)
    assert checkpoint(good, 0, 2, COMPLETE) == ""
    assert "different on two machines" in checkpoint(bad, 0, 2, COMPLETE, weights=(0.0, 1.0 + 1e-16 + 2**-52))


def test_requests_of_many_at_once_are_all_kept(out):
    with ThreadPoolExecutor(6) as pool:
        notes = list(pool.map(lambda n: ask(out, n, algorithm=f"a{n % 3}"), range(12)))
    assert set(notes) == {""}
    asked = {cell.algorithm: cell.seeds for cell in read_manifest(out).cells}
    assert asked == {f"a{k}": tuple(range(k, 12, 3)) for k in range(3)}
    record_failures(out, {read_manifest(out).cells[0].folder: "why"})
    assert sorted(cell.reason or "" for cell in read_manifest(out).cells) == ["", "", "why"]
    with pytest.raises(UsageError, match="holds results of suite quick, not classic"):
        ask(out, 1, suite="classic")


def test_a_store_that_does_not_compare_is_told(out, monkeypatch):
    monkeypatch.setattr(remote.Remote, "write_after", lambda self, content, before: self.write(content))
    assert "does not compare before it writes" in ask(out, 1)
    assert "does not compare before it writes" in ask(out, 2)


def test_whether_a_store_compares_is_tried_once(out, server):
    ask(out, 0)
    before = len(server.requests)
    ask(out, 1)
    assert [method for method, _ in server.requests[before:]] == ["HEAD", "GET", "PUT"]


def test_of_two_who_bring_a_record_up_to_date_at_once_neither_undoes_the_other(anywhere, monkeypatch):
    one, other, record = cell_at(anywhere), cell_at(anywhere), CellStore.record
    facts = {"anchors": {"random": 0.0, "reference": 1.0}, "environment_notes": ["a"]}

    def overtaken(self):
        found = record(self)
        monkeypatch.setattr(CellStore, "record", record)
        other.amend({"environment_notes": facts["environment_notes"]})
        return found

    monkeypatch.setattr(CellStore, "record", overtaken)
    one.amend({"anchors": facts["anchors"]})
    assert facts.items() <= cell_at(anywhere).record().items()


# Trouble.


def test_a_server_that_fails_every_tenth_request_loses_nothing(out, server):
    server.fault = every_tenth
    stores = [cell_at(out), cell_at(out)]
    ask(out, *range(10))
    before = len(server.requests)

    def work(store):
        for seed in range(10):
            store.resumable(seed)
            for upto, status in ((0, PARTIAL), (1, PARTIAL), (2, COMPLETE)):
                assert checkpoint(store, seed, upto, status) == ""

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, stores))
    assert len(server.requests) - before > 100
    gathered = gather([str(out)])
    assert gathered.whole
    assert gathered.damaged == ()
    assert gathered.frame.groupby("seed").env_steps.apply(list).tolist() == 10 * [[0, 100, 200]]
    assert set(cell_at(out).seeds().values()) == {"complete"}


def test_no_results_at_a_url_are_told_as_in_a_folder(out):
    with pytest.raises(UsageError, match=r"the results folder s3://.*/lab/quick does not exist; make it with"):
        read_folder(out)
    (out / "readme.txt").write(b"x")
    with pytest.raises(UsageError, match="holds no results"):
        read_folder(out)
    with pytest.raises(UsageError, match="is a file"):
        read_folder(out / "readme.txt")


def test_no_bucket():
    with served(), pytest.raises(RemoteTrouble, match="there is no bucket s3://nobody-has-it: make it first") as told:
        read_folder(place_of("s3://nobody-has-it/a"))
    assert told.value.exit_code == 2


@pytest.mark.parametrize("doing", ["list", "read", "write"])
def test_a_store_that_cannot_be_reached_is_told_in_seconds_and_not_taken_for_damage(monkeypatch, doing):
    monkeypatch.setattr(remote, "_PATIENT", (2, 2.0, "2s"))
    with served() as objects:
        place = place_of(f"s3://{objects.bucket()}/a")
        store = cell_at(place)
        checkpoint(store, 0, 2, COMPLETE)
    remote._client.cache_clear()
    for name, value in objects.environment.items():
        monkeypatch.setenv(name, value)
    begun = time.monotonic()
    with pytest.raises(RemoteTrouble, match="the store cannot be reached; check the network") as told:
        {
            "list": lambda: read_folder(place),
            "read": lambda: store.read_snapshot(0),
            "write": lambda: checkpoint(store, 0, 2, COMPLETE),
        }[doing]()
    assert time.monotonic() - begun < 15
    assert told.value.exit_code == 1
    with pytest.raises(RemoteTrouble):
        store.seeds()  # and not corrupt
    remote._client.cache_clear()


@pytest.mark.parametrize(("scheme", "said"), [("s3", "AWS_ACCESS_KEY_ID"), ("gs", "GOOGLE_APPLICATION_CREDENTIALS")])
def test_without_credentials_nobody_is_asked(monkeypatch, tmp_path, scheme, said):
    for name in list(os.environ):
        if name.upper().startswith(("AWS_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    remote._client.cache_clear()
    begun = time.monotonic()
    with pytest.raises(RemoteTrouble, match=f"no credentials for {scheme}:// .*{said}") as told:
        read_folder(place_of(f"{scheme}://bucket/a"))
    assert time.monotonic() - begun < 1
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("status", "body", "said", "code"),
    [
        ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>", "the store refuses it (403, AccessDenied)", 2),
        ("403 Forbidden", "", "credentials in AWS_ACCESS_KEY_ID", 2),
        ("403 Forbidden", "<Error><Code>InvalidAccessKeyId</Code></Error>", "(403, InvalidAccessKeyId)", 2),
        ("400 Bad Request", "<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "another region", 2),
        ("301 Moved", "<Error><Code>PermanentRedirect</Code></Error>", "another region", 2),
        ("501 Not Implemented", "<Error><Code>NotImplemented</Code></Error>", "conditional writes", 2),
    ],
)
def test_refusals_are_told_in_one_line_without_secrets(monkeypatch, status, body, said, code):
    def answer(environ, start):
        start(status, [("Content-Type", "application/xml")])
        return [body.encode()]

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(remote, "_QUICK", (1, 1.0, "2s"))
    monkeypatch.setattr(remote, "_PATIENT", (1, 1.0, "2s"))
    for name, value in {**SECRETS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}.items():
        monkeypatch.setenv(name, value)
    remote._client.cache_clear()
    place = place_of("s3://bucket/a")
    for doing in (place.looked, lambda: (place / "b").read(9), lambda: (place / "b").write_after(b"x", None)):
        with pytest.raises(RemoteTrouble) as told:
            doing()
        text = str(told.value)
        assert said in text
        assert told.value.exit_code == code
        assert len(text.splitlines()) == 1
        assert not any(secret in text for name, secret in SECRETS.items() if name != "AWS_REGION")
    server.shutdown()
    server.server_close()
    remote._client.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status code: 403 Forbidden", "the credentials in GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT or"),
        ("Error getting token: error performing token request", "no access by the credentials in GOOGLE_APPLICATION_"),
        ("<Code>NoSuchBucket</Code> status code: 404", "there is no bucket gs://bucket: make it first, or check its"),
        ("status code: 301 Moved, redirect", "the store answers 301"),
        ("error sending request", "the store cannot be reached"),
    ],
)
def test_of_google_no_variables_of_amazon_are_told(text, said):
    told = str(remote._trouble(place_of("gs://bucket/a"), "read", ValueError(), text))
    assert said in told
    assert "AWS" not in told


def test_without_the_library_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match=r"results at URLs need obstore: pip install 'pgsuite\[cloud\]'"):
        place_of("s3://bucket/a")
    assert str(place_of("runs/a")) == "runs/a"


def test_what_is_stored_says_nothing_of_credentials(out):
    store = cell_at(out)
    ask(out, 0)
    checkpoint(store, 0, 2, COMPLETE)
    for key in out.looked().look.sizes:
        content = remote.Remote(out.scheme, out.bucket, key).read(10**6)
        assert not any(secret.encode() in content for name, secret in SECRETS.items() if name != "AWS_REGION")
    assert json.loads((store.path / "cell.json").read(10**6))["suite"] == "quick"
    assert isinstance(read_manifest(out), Manifest)
