import subprocess
import sys

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.reports import report


def test_a_whole_result_makes_a_whole_page(folder, tmp_path):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    files = report([folder.path], tmp_path / "new" / "report")
    page = files.markdown.read_text()
    assert files.markdown == tmp_path / "new" / "report" / "report.md"
    assert sorted(path.name for path in files.figures) == ["curves.pdf", "curves.png", "curves.svg"]
    assert all(path.is_file() for path in files.figures)
    for piece in (
        "# Results: tiny",
        "50.0 ± 14.1",
        "standard deviation over completed runs",
        "![Learning curves](curves.png)",
        "Every run that was asked for is complete.",
        "- Protocol: episodes 10\n",
        "- Versions: python 3.11.7, numpy 2.4.6\n",
        "- Code: git commit 0123456789ab with uncommitted changes\n",
        "- Machine: cpu A fast one, cpu count 2\n",
    ):
        assert piece in page
    assert len(files.summary) == 1


def test_what_is_not_there_is_said(folder, tmp_path):
    folder.cell("trpo", curves=[[0, 40], [0], [0]], seeds=range(5), status={1: "diverged", 2: "partial"})
    folder.cell("reinforce", seeds=[0], reason="ValueError: bad\nluck")
    page = report([folder.path], tmp_path).markdown.read_text()
    assert "Every run" not in page
    for piece in (
        "trpo on CartPole-v1: missing 2 of 5 runs (never reached a checkpoint); seeds 3, 4.",
        "trpo on CartPole-v1: partial 1 of 5 runs (unfinished, not in the means); seeds 2.",
        "trpo on CartPole-v1: diverged 1 of 5 runs",
        "reinforce on CartPole-v1 failed: ValueError: bad luck\n",
    ):
        assert piece in page


def test_what_is_there_and_not_shown_is_said(folder, tmp_path):
    folder.cell("trpo", curves=[[0, 40], [0, 60], [0, 80]], seeds=[0])
    assert "Not shown: 2 runs of 1 cells" in report([folder.path], tmp_path).markdown.read_text()


def test_a_command_of_which_everything_failed_still_has_its_report(folder, tmp_path):
    folder.cell("trpo", seeds=[0], reason="ValueError: no")
    files = report([folder.path], tmp_path)
    assert "— (failed: ValueError: no)" in files.markdown.read_text()
    assert files.figures == []


def test_each_suite_has_its_figure(folder, tmp_path):
    other = type(folder)(tmp_path / "other")
    for one in (folder, other):
        one.cell("trpo", curves=[[0, 40]])
    manifest = other.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tiny"', '"large"'))
    files = report([folder.path, other.path], tmp_path)
    assert sorted(path.name for path in files.figures if path.suffix == ".png") == [
        "curves-large.png",
        "curves-tiny.png",
    ]


def test_the_report_is_reproducible(folder, tmp_path):
    folder.cell("trpo", curves=[[0, 40]])
    pages = [report([folder.path], tmp_path / name).markdown.read_bytes() for name in ("one", "two")]
    assert pages[0] == pages[1]


def test_bad_folders_are_named(folder, tmp_path):
    with pytest.raises(UsageError, match=r"nowhere does not exist.*`pgsuite run`"):
        report([tmp_path / "nowhere"], tmp_path)
    folder.cell("trpo", curves=[[0, 40]])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot write the report to .*file.*-o"):
        report([folder.path], tmp_path / "file" / "report")


def test_a_damaged_result_stops_the_report(folder, tmp_path):
    store = folder.cell("trpo", curves=[[0, 40]])
    (store.path / "seed-0.parquet").write_bytes(b"")
    with pytest.raises(PgsuiteError, match=r"seed-0\.parquet is damaged"):
        report([folder.path], tmp_path)


def test_a_table_needs_no_plotting_library():
    code = "import sys, pgsuite.reports; print({'torch', 'seaborn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
