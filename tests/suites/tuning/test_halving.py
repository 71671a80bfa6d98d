"""The schedule of a search, by numbers worked by hand."""

from pgsuite.suites.tuning.halving import Stage, best, halved, schedule


def plan(budgets, **changes):
    given = {
        "trials": 8,
        "bracket": 8,
        "shares": (0.25, 1.0),
        "finalists": 2,
        "seeds": range(2),
        "final_seeds": range(5),
    }
    return schedule(budgets, **{**given, **changes})


def test_half_goes_on_rounded_up_and_finalists_are_kept():
    assert halved(32, 4, 8) == (32, 16, 8, 4, 4, 4, 4, 4)
    assert halved(7, 1, 4) == (7, 4, 2, 1)
    assert halved(3, 4, 3) == (3, 3, 3)  # there are no more than three
    assert halved(5, 1, 1) == (5,)


def test_environments_come_one_after_another_at_every_budget():
    assert plan({"A": 1000, "B": 402}).stages == (Stage("A", 250), Stage("B", 100), Stage("A", 1000), Stage("B", 402))


def test_the_steps_of_one_bracket():
    """8, 4, 2 and 2 trials of 2 runs, then 2 finalists of 5 runs on both environments."""
    found = plan({"A": 1000, "B": 400})
    assert [rung.trials for rung in found.effort] == [8, 4, 2, 2, 2, 2]
    assert [rung.runs for rung in found.effort] == [16, 8, 4, 4, 10, 10]
    assert [rung.name for rung in found.effort] == ["1", "2", "3", "4", "finals", "finals"]
    assert sum(rung.runs * rung.steps for rung in found.effort) == (
        16 * 250 + 8 * 100 + 4 * 1000 + 4 * 400 + 10 * 1000 + 10 * 400
    )


def test_the_steps_of_several_brackets():
    """10 trials in brackets of 4, 4 and 2, of which one each is kept for 3 finalists."""
    found = plan({"A": 100}, trials=10, bracket=4, finalists=3)
    assert [(one.first, one.sizes) for one in found.brackets] == [(0, (4, 2)), (4, (4, 2)), (8, (2, 1))]
    assert [list(one.trials) for one in found.brackets] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [rung.trials for rung in found.effort] == [10, 5, 3]
    assert found.trials == 10


def test_no_more_finalists_than_are_left():
    found = plan({"A": 100}, trials=3, bracket=2, finalists=9)
    assert [one.sizes for one in found.brackets] == [(2, 2), (1, 1)]
    assert found.finalists == 3


def test_of_equal_trials_the_first_goes_on():
    assert best({"a": (0.5, 0.1), "b": (0.5, 0.2), "c": (0.5, 0.2), "d": (0.1, 9.0)}, 3) == ["b", "c", "a"]
