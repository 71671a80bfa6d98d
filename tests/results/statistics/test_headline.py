"""One honest sentence in every situation."""

import numpy as np
import pandas as pd
import pytest

from pgsuite.results.statistics.comparison import compare

from .frames import runs

SPREAD = np.linspace(-0.05, 0.05, 6)


def cell(label, env, score, *, number=6, **options):
    """Runs with final scores around this one."""
    return runs(label, env, [[20, 20 + 500 * (score + SPREAD[n % 6])] for n in range(number)], **options)


def says(*frames, asked=None):
    return compare(pd.concat(frames), asked, replicates=200).headline


def both(label, score, **options):
    return pd.concat([cell(label, env, score, **options) for env in ("A-v0", "B-v0")])


def test_a_clear_lead():
    text = says(both("trpo", 0.9), both("reinforce", 0.3))
    assert text.startswith("trpo leads with an IQM of the final score of 0.90 (95% interval 0.8")
    assert "6 runs on each of 2 environments), before reinforce with 0.30" in text
    assert text.endswith("and the pairwise tests support it: better on 2 of 2 environments, worse on none.")


def test_the_order_of_the_labels_does_not_matter():
    assert says(both("reinforce", 0.3), both("trpo", 0.9)) == says(both("trpo", 0.9), both("reinforce", 0.3))


def test_a_lead_that_the_tests_do_not_support():
    assert "but the pairwise tests show no difference between the two on any of 2" in says(
        both("a", 0.505), both("b", 0.5)
    )
    divided = says(cell("a", "A-v0", 0.9), cell("a", "B-v0", 0.5), cell("b", "A-v0", 0.3), cell("b", "B-v0", 0.7))
    assert "tests are divided: better on 1 of 2 environments, worse on 1" in divided
    # By the IQM a leads; on B-v0 b is better, and on A-v0 nothing is shown.
    far = runs("a", "A-v0", [[20, 20 + 500 * x] for x in (0.0, 3, 3, 3, 3, 3)])
    near = runs("b", "A-v0", [[20, 20 + 500 * x] for x in (0.0, 0, 0, 3, 3, 3)])
    against = says(far, cell("a", "B-v0", 0.5), near, cell("b", "B-v0", 0.7))
    assert "speak against it: better on none of 2 environments, worse on 1" in against


def test_equal_scores_share_the_lead():
    assert says(both("a", 0.5), both("b", 0.5)).startswith("a and b share the highest score: ")


def test_too_few_runs():
    text = says(both("a", 0.9, number=4), both("b", 0.3, number=4))
    assert "(too few runs for an interval, which takes 5; 4 runs on each of 2 environments)" in text
    assert "too few runs to test the difference" in text
    assert "95%" not in text


def test_too_few_runs_for_so_many_tests():
    # Three pairs on three environments: 9 tests at .05 need p <= 1/180, and 5 against 5 runs have 126 splits.
    frames = [
        cell(label, env, score, number=5)
        for label, score in (("a", 0.9), ("b", 0.3), ("c", 0.1))
        for env in ("A-v0", "B-v0", "C-v0")
    ]
    assert says(*frames).endswith(
        "but so few runs cannot show a difference in 9 pairwise tests (6 of each are needed)."
    )


def test_unequal_numbers_of_runs():
    assert "at least 5 runs on each of 2" in says(cell("a", "A-v0", 0.9, number=5), cell("a", "B-v0", 0.9))


def test_one_algorithm():
    text = says(both("trpo", 0.9))
    assert text.startswith("trpo has an IQM of the final score of 0.90 (95% interval")
    assert text.endswith("there is nothing to compare it with.")


def test_one_algorithm_without_anchors():
    text = says(both("trpo", 0.9, anchors=None))
    assert text == "No environment has score anchors, so trpo has no score; there is nothing to compare it with."


def test_too_few_runs_without_anchors():
    text = says(both("a", 0.9, anchors=None, number=4), both("b", 0.3, anchors=None, number=4))
    assert text == (
        "a leads with a mean rank by final return of 1.00 (too few runs for an interval, which takes 5; 4 runs on each "
        "of 2 environments), before b with 2.00, but there are too few runs to test the difference (5 of each are "
        "needed); no environment has score anchors, so returns are ranked."
    )
    apart = says(cell("a", "A-v0", 0.9, anchors=None), cell("b", "B-v0", 0.9, anchors=None))
    assert apart.startswith("No algorithm has runs on every environment, so none leads")


def test_without_anchors_the_winner_is_named_and_runs_are_counted():
    frames = [both(label, score, anchors=None) for label, score in (("a", 0.3), ("b", 0.9))]
    text = says(*frames)
    assert text.startswith(
        "b leads with a mean rank by final return of 1.00 (95% interval 1.00 to 1.00; 6 runs on each"
    )
    assert "before a with 2.00, and the pairwise tests support it: better on 2 of 2 environments" in text
    text = says(*frames, cell("a", "C-v0", 0.9), cell("b", "C-v0", 0.1))
    assert "6 runs on 1 environment)" in text
    assert "without score anchors, so not in the score: A-v0, B-v0" in text


def test_three_that_share_the_lead_are_all_named():
    frames = [both(label, score) for label, score in (("a", 0.5), ("d", 0.2), ("b", 0.5), ("c", 0.5))]
    assert "a, b and c share the highest score: a has an IQM" in says(*frames)
    assert "and no pairwise test between them shows a difference" in says(*frames)


def test_runs_that_are_all_alike_are_not_tested():
    alike = pd.concat([runs("a", "A-v0", [[20, 123.4]] * 6), runs("b", "A-v0", [[20, 321.7]] * 6)])
    assert "b leads" in says(alike)
    assert "but their runs are all alike, and without any spread nothing can be tested" in says(alike)


def test_a_tie_of_which_only_some_are_alike_is_not_called_alike():
    tied = [runs(label, "A-v0", [[20, 520]] * 5) for label in "ab"]
    tied += [runs("c", "A-v0", [[20, value] for value in (100, 520, 520, 520, 520)])]
    frame = [*tied, *(runs(label, "A-v0", [[20, 20 + n] for n in range(5)]) for label in "defg")]
    assert "a, b and c share the highest score" in says(*frame)
    assert "so few runs cannot show a difference" in says(*frame)


def test_one_run_under_several_seeds_is_not_several_runs():
    alike = pd.concat([runs("a", "A-v0", [[20, 200]] * 5), cell("b", "A-v0", 0.9)])
    assert says(alike).endswith("; with identical curves, so not independent runs: 5 of a on A-v0.")


def test_scores_of_many_digits_are_written_with_an_exponent():
    assert "a leads with an IQM of the final score of 9.00e" in says(both("a", 9e200), both("b", 1e200))


def test_an_algorithm_that_lacks_an_environment_cannot_lead():
    text = says(both("a", 0.5), both("b", 0.3), cell("c", "A-v0", 0.99))
    assert text.startswith("a leads")
    assert "without runs on every environment, so not ranked: c" in text
    assert "no other algorithm has runs on every environment" in says(both("a", 0.5), cell("c", "A-v0", 0.99))
    nobody = says(cell("a", "A-v0", 0.5), cell("b", "B-v0", 0.5))
    assert nobody.startswith("No algorithm has runs on every environment, so none leads")


def test_what_is_not_counted_is_said():
    diverged = runs("a", "A-v0", [[20, 30]] * 2, seeds=[6, 7], status=["diverged", "partial"])
    asked = {(label, env): range(9) for label in ("a", "b") for env in ("A-v0", "B-v0")}
    text = says(both("a", 0.9), diverged, both("b", 0.3), asked=asked)
    # 36 were asked for; 24 completed, one diverged, one stopped early.
    assert text.endswith("; not counted, of 36 runs: 1 diverged, 1 stopped early, 10 missing.")


@pytest.mark.parametrize("status", ["diverged", "partial"])
def test_nothing_complete(status):
    assert says(both("a", 0.9, status=status)).startswith("No run is complete, so there is nothing to compare; ")


def test_it_is_one_sentence():
    text = says(both("a", 0.9), both("b", 0.3), cell("c", "A-v0", 0.9, status="diverged"))
    assert text.count(". ") == 0
    assert "\n" not in text


def test_a_run_that_cannot_be_read_is_damaged_and_not_missing():
    frame = runs("x", "A-v0", [[20, 520]] * 5)
    said = compare(frame, {("x", "A-v0"): range(8)}, {("x", "A-v0"): (6,)}, replicates=100).headline
    assert "not counted, of 8 runs: 1 damaged, 2 missing" in said
