"""Reward profiling by hand: who plays when, what the returns say, and what a rejection gives back."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy import stats

from pgsuite.algorithms import TRPO, Episodes, Profiled, Reinforce, Rollout, Steps
from pgsuite.algorithms.profiled import Verdict, compare
from pgsuite.algorithms.registry import build
from pgsuite.algorithms.trees import named_tensors, select, take
from pgsuite.errors import UsageError

from .rollouts import SPACES, episodes, window

SEEDS = [4, 1, 7]
BASE = TRPO(num_envs=3, num_steps=20, hidden=(5,), normalise_observations=True, scale_rewards=True)
GOES_ON = ("updates", "trace", "memory")
"""Parts of a state that no rejection touches: counts, what follows the environments, and the profile."""


def returned(returns: list[list[float]]) -> Rollout:
    """A round of one-step episodes that paid this to each seed."""
    played = episodes(SPACES["Discrete"], SEEDS, len(returns[0]))
    reward, done = torch.zeros_like(played.reward), torch.zeros_like(played.terminated)
    reward[:, :, 0], done[:, :, 0] = torch.tensor(returns, dtype=reward.dtype), True
    return played._replace(reward=reward, terminated=done, truncated=~done & False, valid=done)


class Judged(NamedTuple):
    algorithm: Profiled
    start: Any
    trained: Any
    decided: Any
    told: dict[str, Any]


def judged(*returns: list[list[float]], **options: Any) -> Judged:
    """One round after one update: what each candidate's episodes paid, in the order in which they play."""
    algorithm = Profiled(**{"base": BASE, "every": 1, "episodes": len(returns[0][0]), **options})
    start = algorithm.init(SPACES["Discrete"], SEEDS)
    trained, _ = algorithm.update(start, window(SPACES["Discrete"], SEEDS, 3, 20))
    state, told = trained, {}
    for one in returns:
        assert algorithm.plan(state)[0].stream == "profiling"
        state, told = algorithm.update(state, returned(one))
    return Judged(algorithm, start, trained, state, dict(told))


def parts(state: Any) -> dict[str, Any]:
    return {name: x for name, x in named_tensors(state) if name.partition(".")[0] not in GOES_ON}


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(parts(one).values(), parts(other).values(), strict=True))


LEARNED, INCUMBENT = [[1.0, 3.0]] * 3, [[1.5, 1.5], [2.5, 2.5], [2.0, 2.0]]
"""Better by 0.5, worse by 0.5, and alike."""


def test_it_keeps_what_is_no_worse_and_gives_the_rest_back() -> None:
    it = judged(LEARNED, INCUMBENT)
    assert it.told["accepted"].tolist() == [1.0, 0.0, 1.0]
    assert it.told["difference"].tolist() == [0.5, -0.5, 0.0]
    kept, rejected = torch.tensor([0, 2]), torch.tensor([1])
    assert same(take(it.decided, kept), take(it.trained, kept))
    assert same(take(it.decided, rejected), take(it.start, rejected)), "policy, critic, optimisers and normalisers"
    assert not same(take(it.trained, rejected), take(it.start, rejected))
    assert it.decided.updates.tolist() == it.trained.updates.tolist() == [1, 1, 1], "counts never go back"
    assert torch.equal(it.decided.trace, it.trained.trace), "the training environments go on where they were"
    assert torch.equal(it.algorithm.evaluated(it.decided).parameters, it.decided.policy)
    assert it.told["incumbent_age"].tolist() == [0.0, 60.0 - resets(1) + 4.0, 0.0]


def resets(row: int) -> int:
    return int((~window(SPACES["Discrete"], SEEDS, 3, 20).valid[row]).sum())


def test_the_policy_alone_goes_back_where_that_is_asked_for() -> None:
    it = judged(LEARNED, INCUMBENT, rollback="policy")
    rejected = torch.tensor([1])
    decided, trained, start = (take(state, rejected) for state in (it.decided, it.trained, it.start))
    assert torch.equal(decided.policy, start.policy)
    assert not torch.equal(decided.policy, trained.policy)
    assert same(decided._replace(policy=trained.policy), trained)


def test_the_mixture_is_of_policies_and_the_rest_is_what_was_learned() -> None:
    it = judged([[0.0, 0.0]] * 3, [[9.0, 9.0]] * 3, INCUMBENT, variant="three-points", mix=0.25)
    assert torch.allclose(it.decided.policy, 0.25 * it.trained.policy + 0.75 * it.start.policy, atol=1e-7)
    assert same(it.decided._replace(policy=it.trained.policy), it.trained)


@pytest.mark.parametrize("variant", ["lookback", "mix-up", "three-points"])
def test_who_plays_when(variant: str) -> None:
    """What was learned first, the mixture, and the incumbent last and in every round."""
    algorithm = Profiled(base=BASE, every=1, episodes=2, variant=variant, mix=0.5)
    state = algorithm.init(SPACES["Discrete"], SEEDS)
    start = state.policy
    assert algorithm.plan(state) == Steps(3, 20)
    state, _ = algorithm.update(state, window(SPACES["Discrete"], SEEDS, 3, 20))
    learned, mixed = state.policy, (state.policy + start) / 2
    expected = {"lookback": [learned, start], "mix-up": [mixed, start], "three-points": [learned, mixed, start]}
    for policy in expected[variant]:
        assert algorithm.plan(state) == [Episodes(2, stream="profiling", occasion=0)] * 3
        assert torch.allclose(algorithm.behaviour(state).parameters, policy)
        assert torch.equal(algorithm.evaluated(state).parameters, learned), "no round has decided yet"
        state, _ = algorithm.update(state, returned([[0.0, 0.0]] * 3))
    assert algorithm.plan(state) == Steps(3, 20)
    again, _ = algorithm.update(state, window(SPACES["Discrete"], SEEDS, 3, 20, 1))
    assert algorithm.plan(again) == [Episodes(2, stream="profiling", occasion=1)] * 3
    assert torch.equal(algorithm.evaluated(again).parameters, state.policy), "the incumbent, not what has been learned"


def test_every_seed_has_its_turn() -> None:
    """Of two seeds in one rollout one may decide while the other has yet to play its incumbent."""
    it = judged(LEARNED, episodes=2)
    behind = it.algorithm.update(it.trained, returned(LEARNED))[0]
    mixed = select(torch.tensor([True, False, True]), behind, it.trained)
    state, told = it.algorithm.update(mixed, returned(INCUMBENT))
    assert told["accepted"].isnan().tolist() == [False, True, False]
    assert state.memory["profiling"].turn.tolist() == [0, 2, 0]


RETURNS = np.random.default_rng(0).normal([[0.0], [0.5], [0.0]], size=(4, 3, 6))


@pytest.mark.parametrize("paired", [True, False])
def test_the_difference_and_its_error_are_the_t_tests(paired: bool) -> None:
    """By scipy: a paired t test, or Welch's."""
    verdict = compare(torch.from_numpy(RETURNS), paired=paired)
    for row, returns in enumerate(RETURNS):
        best = int(np.argmax(returns[:2].mean(1)))
        given = (returns[best], returns[2])
        test = stats.ttest_rel(*given) if paired else stats.ttest_ind(*given, equal_var=False)
        assert verdict.best[row] == best
        assert float(verdict.difference[row]) == pytest.approx(returns[best].mean() - returns[2].mean())
        assert float(verdict.difference[row] / verdict.error[row]) == pytest.approx(test.statistic)


def test_one_episode_has_no_error() -> None:
    assert compare(torch.tensor([[[1.0], [0.0]]], dtype=torch.float64), paired=True).error.isnan().all()


@pytest.mark.parametrize(
    ("accept", "kept"),
    [
        ("mean", [True, True, False, False, True]),
        ("non-inferior", [True, True, True, False, True]),
        ("superior", [True, False, False, False, False]),
    ],
)
def test_what_is_accepted(accept: str, kept: list[bool]) -> None:
    """Differences of 2.1, 1.9, -1.9, -2.1 and 0 beside two standard errors of 1; alike in all episodes at last."""
    difference = torch.tensor([2.1, 1.9, -1.9, -2.1, 0.0])
    verdict = Verdict(torch.zeros(5, dtype=torch.int64), difference, torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0]))
    algorithm = Profiled(accept=accept, z=2.0)
    assert algorithm._accepts(verdict, torch.arange(5), torch.zeros(5)).tolist() == kept


def test_a_placebo_accepts_at_its_rate_whatever_the_returns() -> None:
    algorithm, seeds = Profiled(accept="random", rate=0.3), torch.arange(2000)
    verdict = Verdict(seeds, torch.linspace(-1, 1, 2000), seeds)
    accepted = algorithm._accepts(verdict, seeds, torch.zeros(2000, dtype=torch.int64))
    assert float(accepted.double().mean()) == pytest.approx(0.3, abs=0.03)
    assert abs(np.corrcoef(accepted, verdict.difference)[0, 1]) < 0.07
    later = algorithm._accepts(verdict, seeds, torch.ones(2000, dtype=torch.int64))
    assert not torch.equal(later, accepted), "every round has its coin"
    assert torch.equal(algorithm._accepts(verdict, seeds[:5], torch.zeros(5, dtype=torch.int64)), accepted[:5])


class Trained(Reinforce):
    trainer = "somebody's:Loop"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"base": "reinforce"},
            r"Profiled\.base = 'reinforce': it is an algorithm without a training loop",
        ),
        ({"accept": "superior", "episodes": 1}, r"Profiled\.episodes = 1: accept = 'superior' takes 2"),
        ({"variant": "look-back"}, r"Profiled\.variant = 'look-back'"),
        ({"base": {"class": "reinforce", "learning_rat": 1}}, "'profiled', base: .*'reinforce' has no option"),
        ({"base": {"class": "reinforc"}}, "'profiled', base: unknown algorithm 'reinforc': did you mean 'reinforce'"),
        ({"base": Trained()}, "Trained cannot be profiled: it is trained by a loop of its own"),
        ({"base": {"learning_rate": -1.0}}, r"Reinforce\.learning_rate = -1\.0"),
    ],
)
def test_what_cannot_be_profiled_is_told_in_one_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        build("profiled", options)
    assert "\n" not in str(error.value)


def test_a_base_whose_state_has_no_place_for_it_is_told() -> None:
    twice = Profiled(base=Profiled())
    with pytest.raises(UsageError, match="Profiled cannot be profiled: it is profiled already"):
        twice.init(SPACES["Discrete"], SEEDS)

    class Bare(Reinforce):
        def init(self, spaces: Any, seeds: Any) -> Any:
            whole = super().init(spaces, seeds)
            return NamedTuple("Weights", [("updates", Any), ("seeds", Any)])(whole.updates, whole.seeds)

    with pytest.raises(UsageError, match="Bare cannot be profiled: its state has no memory"):
        Profiled(base=Bare()).init(SPACES["Discrete"], SEEDS)


def test_a_table_names_any_algorithm() -> None:
    assert build("profiled", {}) == Profiled(base=Reinforce())
    assert build("profiled", {"base": {"learning_rate": 0.5}}) == Profiled(base=Reinforce(learning_rate=0.5))
    table = {"class": "trpo", "max_kl": 0.02, "hidden": [32]}
    assert build("profiled", {"base": table}) == Profiled(base=TRPO(max_kl=0.02, hidden=(32,)))
    assert hash(build("profiled", {"base": table})) == hash(Profiled(base=replace(TRPO(), max_kl=0.02, hidden=(32,))))
