import re
import subprocess
import sys

import pytest

from pgsuite.errors import UsageError
from pgsuite.reports import report

CURVES = [[0, 40], [0, 50], [0, 60], [0, 70], [0, 80]]


def test_a_result_becomes_all_files(folder, tmp_path):
    folder.cell("trpo", curves=CURVES)
    folder.cell("reinforce", curves=[[0, 10], [0, 12], [0, 14], [0, 16], [0, 18]])
    out = tmp_path / "new" / "report"
    files = report([folder.path], out, formats=("svg", "png", "pdf"))
    assert [path.relative_to(out).as_posix() for path in (files.page, files.markdown, files.latex)] == [
        "report.html",
        "report.md",
        "report.tex",
    ]
    assert all(path.stat().st_size for path in (*files[:3], *files.figures, *files.tables))
    assert {path.suffix for path in files.figures} == {".png", ".svg", ".pdf"}
    assert {path.parent.name for path in files.tables} == {"tables"}
    assert files.whole
    page, markdown = files.page.read_text(), files.markdown.read_text()
    for text in (page, markdown):
        assert "tiny: 2 algorithms on 1 environment" in text
        assert "python 3.11.7, numpy 2.4.6" in text
        assert "Every run that was asked for is complete." in text
    for picture in (line.split("](")[1].rstrip(")") for line in markdown.splitlines() if line.startswith("![")):
        assert (out / picture).is_file()
    assert "<svg" in page
    assert "s-trpo kind-line" in page
    assert files.page.stat().st_size < 2_000_000


@pytest.mark.parametrize(("formats", "shown"), [(("svg",), "svg"), (("svg", "png"), "png"), (("pdf", "pdf"), None)])
def test_figures_are_written_in_the_formats_asked_for_and_markdown_shows_what_it_can(formats, shown, folder, tmp_path):
    folder.cell("trpo", curves=[[40], [50], [60], [70], [80]])  # without curves, there are few figures to write
    files = report([folder.path], tmp_path, formats=formats)
    names = {path.stem for path in files.figures}
    assert len(names) == 2
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(
        f"{name}.{kind}" for name in names for kind in set(formats)
    )
    pictures = re.findall(r"!\[.*\]\(figures/(.*)\)", files.markdown.read_text())
    assert set(pictures) == ({f"{name}.{shown}" for name in names} if shown else set())


def test_the_formats_change_nothing_but_the_files(folder, tmp_path):
    folder.cell("trpo", curves=CURVES)
    one = report([folder.path], tmp_path / "one")
    two = report([folder.path], tmp_path / "two", formats=("png",))
    assert one.page.read_bytes() == two.page.read_bytes()
    assert one.markdown.read_text() == two.markdown.read_text().replace(".png", ".svg")


def test_what_is_not_there_is_said_everywhere(folder, tmp_path):
    folder.cell("trpo", curves=[*CURVES, [0]], seeds=range(8), status={5: "diverged"})
    folder.cell("reinforce", seeds=[0], reason="ValueError: bad luck")
    files = report([folder.path], tmp_path / "report")
    assert not files.whole
    for text in (files.page.read_text(), files.markdown.read_text()):
        assert "5 of 9 runs are complete and in the statistics." in text
        assert "ValueError: bad luck" in text
        assert "6, 7" in text


def test_a_command_of_which_everything_failed_still_has_its_report(folder, tmp_path):
    folder.cell("trpo", seeds=[0], reason="ValueError: no")
    files = report([folder.path], tmp_path)
    assert "ValueError: no" in files.markdown.read_text()
    assert "No run is complete" in files.page.read_text()


def test_the_report_is_reproducible(folder, tmp_path):
    folder.cell("trpo", curves=CURVES)
    folder.cell("reinforce", curves=CURVES[::-1])
    one, two = (report([folder.path], tmp_path / name) for name in ("one", "two"))
    for a, b in zip((*one[:3], *one.figures, *one.tables), (*two[:3], *two.figures, *two.tables), strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name


def test_few_runs_print_no_interval(folder, tmp_path):
    folder.cell("trpo", curves=CURVES[:3])
    folder.cell("reinforce", curves=CURVES[:4])
    files = report([folder.path], tmp_path)
    page = files.page.read_text()
    assert "intervals are not meaningful" in page
    assert 'class="interval"' not in page


def test_bad_folders_are_named(folder, tmp_path):
    with pytest.raises(UsageError, match=r"nowhere does not exist.*`pgsuite run`"):
        report([tmp_path / "nowhere"], tmp_path)
    folder.cell("trpo", curves=[[0, 40]])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot write the report to .*file.*-o"):
        report([folder.path], tmp_path / "file" / "report")


def test_a_damaged_run_is_named_and_the_others_reported(folder, tmp_path):
    store = folder.cell("trpo", curves=CURVES)
    (store.path / "seed-0.parquet").write_bytes(b"")
    files = report([folder.path], tmp_path)
    assert not files.whole
    page = files.page.read_text()
    assert "seed-0.parquet is damaged" in page
    assert "There is one algorithm" in page


def test_a_report_loads_nothing_that_it_does_not_need(folder, tmp_path):
    """Either takes longer to load than all figures to draw; of one algorithm there is nothing to compare in colours."""
    folder.cell("trpo", curves=CURVES)
    code = (
        "import sys; from pgsuite.reports import report; report(sys.argv[1:2], sys.argv[2]);"
        "print({'torch', 'seaborn', 'scipy.stats', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(folder.path), str(tmp_path / "report")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "set()"


def test_loading_the_reports_loads_nothing_that_draws():
    code = "import sys, pgsuite.reports; print({'torch', 'seaborn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
