"""What a report says of seeds that the search for the hyperparameters has seen."""

import json

import pytest

from pgsuite.reports.compared import compare
from pgsuite.reports.markdown import to_markdown
from pgsuite.results import gather
from pgsuite.results.store.manifest import ExpectedCell, Manifest, read_manifest
from pgsuite.suites.schema import parse_suite

CURVES = [[0, 40 + n] for n in range(6)]


@pytest.fixture
def reported(folder):
    """A folder whose trpo was tuned on some seeds; both algorithms are reported on 0 to 5."""

    def make(*tuned_on):
        folder.cell("trpo", curves=CURVES)
        folder.asked[0]["tuned_on"] = list(tuned_on)
        folder.cell("reinforce", curves=CURVES)
        return compare(folder.path)

    return make


def test_a_search_on_other_seeds_leaves_results_untouched(reported):
    content = reported(1000, 1001, 1002).content
    said = (
        "Hyperparameters of trpo were found on seeds 1000–1002, none of which is reported: the results are untouched."
    )
    assert content.completeness.endswith(said)
    assert ("tuning", said) in content.facts
    assert "ntouched" not in content.headline
    assert not [warning for warning in content.warnings if "search" in warning]


def test_a_result_on_seeds_that_a_search_has_seen_is_not_called_untouched(reported):
    compared = reported(4, 5, 1000)
    content = compared.content
    assert content.headline.startswith(
        "Not untouched, because the search for the hyperparameters has seen seeds 4, 5: "
    )
    assert compared.headline == content.headline
    assert "on seeds 4, 5, 1000, of which 4, 5 are reported here." in content.completeness
    assert content.warnings[0].startswith("trpo: the search for its hyperparameters has seen seeds 4, 5, on which")
    assert "results are untouched" not in to_markdown(content)


def test_where_no_search_is_known_nothing_is_claimed(reported):
    content = reported().content
    assert "touched" not in " ".join([content.headline, content.completeness, *content.warnings, *dict(content.facts)])


def test_a_manifest_carries_the_seeds_of_the_search(folder):
    folder.cell("trpo", curves=CURVES)
    assert "tuned_on" not in json.loads((folder.path / "manifest.json").read_text())["cells"][0]
    (cell,) = read_manifest(folder.path).cells
    asked = Manifest("tiny", (cell,)).asking([cell._replace(seeds=(9,), tuned_on=(7, 8))])
    asked.asking([cell._replace(tuned_on=(1000,))]).write(folder.path)
    (again,) = read_manifest(folder.path).cells
    assert again.tuned_on == (7, 8, 1000)
    assert again.seeds == (0, 1, 2, 3, 4, 5, 9)
    (member,) = gather([folder.path]).members
    assert member.tuned_on == (7, 8, 1000)


@pytest.mark.parametrize("wrong", [["x"], [-1], 3])
def test_a_manifest_with_seeds_that_are_none_is_damaged(wrong, folder):
    from pgsuite.errors import PgsuiteError
    from pgsuite.results.store.digest import sealed_table

    folder.cell("trpo", curves=CURVES)
    file = folder.path / "manifest.json"
    content = {key: value for key, value in json.loads(file.read_text()).items() if key != "digest"}
    content["cells"][0]["tuned_on"] = wrong
    file.write_text(json.dumps(sealed_table(content)))
    with pytest.raises(PgsuiteError, match="the seeds are no list of whole numbers"):
        read_manifest(folder.path)


def test_a_suite_hands_its_search_to_the_manifest(tmp_path):
    from pgsuite.suites.planning import plan_cells
    from pgsuite.suites.running import run_cells

    suite = parse_suite(
        {
            "name": "mine",
            "description": "",
            "seeds": "0",
            "evaluation": {"checkpoints": 1, "episodes": 1},
            "environments": {"CartPole-v1": {"steps": 20}},
            "algorithms": {"reinforce": {}, "trpo": {}},
            "tuning": {"seeds": "1000-1001", "algorithms": ["reinforce"]},
        },
        "test",
    )
    run_cells(plan_cells(suite, tmp_path), tmp_path, workers=1)
    manifest = read_manifest(tmp_path)
    assert manifest
    assert {cell.algorithm: cell.tuned_on for cell in manifest.cells} == {"reinforce": (1000, 1001), "trpo": ()}
    assert isinstance(manifest.cells[0], ExpectedCell)
