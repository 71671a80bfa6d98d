import dataclasses

from pgsuite.reports.content import content
from pgsuite.results import gather
from pgsuite.results.statistics.grid import CommonGrid


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


def test_what_was_found_of_an_environment_is_said_once(folder, comparison):
    for name in ("trpo", "reinforce"):
        folder.cell(name, curves=[[0, 40]]).amend({"environment_notes": ["Cart-v0 does not repeat itself"]})
    assert content(comparison, gather([folder.path])).warnings == ("Cart-v0 does not repeat itself.",)


def test_no_two_tables_share_a_name(folder, comparison):
    folder.cell("trpo", curves=[[0, 40]])
    names = [table.name for table in content(comparison, gather([folder.path])).tables]
    assert len(names) == len(set(names)) == 13


def test_the_common_grid_is_stated(folder, comparison):
    folder.cell("trpo", curves=[[0, 40]])
    grid = CommonGrid((1008.0, 2016.0), 16.0, "a ends at 2 where b goes on to 3", start_missing=True)
    (warning,) = content(dataclasses.replace(comparison, grids={"Cart-v0": grid}), gather([folder.path])).warnings
    assert warning == (
        "Cart-v0 is compared at 2 common points from 1,008 to 2,016 steps, because a ends at 2 where b goes on to 3: "
        "each run is read at its last checkpoint up to a point, which lies up to 16 steps before it. What was "
        "evaluated before training is left out, as not everybody was."
    )


def test_what_has_no_start_is_said_below_the_tables(folder, comparison):
    """The made-up frame begins at 100 steps."""
    folder.cell("trpo", curves=[[0, 40]])
    said = content(comparison, gather([folder.path]))
    for table in (*said.leaderboards, *said.improvement, said.environments, said.pairs, said.cost):
        assert table.caption.endswith("the area under the curve is that from 100 steps on Cart-v0.")


def test_evaluations_of_three_and_of_five_episodes_are_told(folder, comparison):
    store = folder.cell("trpo", curves=[[0, 40], [0, 40]])
    frame = gather([folder.path]).frame.assign(episodes=[5, 5, 3, 3])
    said = content(dataclasses.replace(comparison, frame=frame), gather([folder.path]))
    assert "The evaluations of trpo average different numbers of episodes" in said.warnings[-1]
    assert "by 3 to 5 fresh evaluation episodes, stochastic policy." in said.environments.caption
    assert store.path.exists()
