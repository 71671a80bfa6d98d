import dataclasses

from pgsuite.reports.content import content
from pgsuite.results import gather


def test_the_title_and_facts_say_what_was_compared(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    said = content(comparison, gather([folder.path]))
    assert said.title == "tiny: 2 algorithms on 2 environments"
    assert said.headline == "fast is ahead."
    facts = dict(said.facts)
    assert facts["algorithms"] == "slow_one, fast"
    assert facts["environments"] == "Cart-v0 (100 steps), Pole-v0 (2M steps)"
    assert facts["seeds"] == "0, 1"
    assert facts["intervals"].startswith("95%; stratified bootstrap over runs, 2,000 replicates")
    assert said.whole
    assert said.warnings == ()


def test_too_few_runs_everywhere_are_warned_of_first(folder, comparison):
    folder.cell("trpo", curves=[[0, 40]])
    comparison.environments_table["runs"] = 3
    (warning,) = content(comparison, gather([folder.path])).warnings
    assert "fewer than 5 runs intervals are not meaningful" in warning
    comparison.environments_table["runs"] = 0
    assert content(comparison, gather([folder.path])).warnings == (
        "No run is complete, so there is nothing to compare yet.",
    )


def test_no_two_tables_share_a_name(folder, comparison):
    folder.cell("trpo", curves=[[0, 40]])
    names = [table.name for table in content(comparison, gather([folder.path])).tables]
    assert len(names) == len(set(names)) == 13


def test_the_common_horizon_is_stated(folder, comparison):
    folder.cell("trpo", curves=[[0, 40]])
    (warning,) = content(dataclasses.replace(comparison, horizons={"Cart-v0": 63000.0}), gather([folder.path])).warnings
    assert "common horizon: Cart-v0 (63,000 steps)." in warning
