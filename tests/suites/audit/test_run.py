"""The audit end to end: the algorithms pass, planted faults do not, and the command says so."""

import json
import re
from pathlib import Path

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results.store.audit import judge
from pgsuite.suites.audit.models import MODELS
from pgsuite.suites.audit.run import AuditJob, plan_audit, run_audit, run_job

from ...algorithms.rollouts import GRADIENTS
from .faults import FAULTS

FAULT_FILE = Path(__file__).with_name("faults.py")
SHOWS = {
    "NoBootstrapAtTruncation": ("corridor", "uniform"),
    "WithoutLogStd": ("quadratic", "sharpened"),
    "LineSearchIgnoresKL": ("quadratic", "sharpened"),
    "ReversedKL": ("quadratic", "sharpened"),
    "BaselineOfAnotherGroup": ("prompts", "random"),
}
"""Where a fault that not every model sees is seen; the chain shows the others."""


@pytest.mark.parametrize("algorithm", GRADIENTS)
@pytest.mark.parametrize("model", MODELS)
def test_the_algorithms_pass(algorithm, model):
    for policy in MODELS[model].policies:
        found = run_job(AuditJob(algorithm, model, policy, 5, 100))
        assert [judge(case, 100) for case in found.cases] == [[]] * len(found.cases)
        assert [update["departures"] for update in found.updates] == [[]] * len(found.updates)


@pytest.mark.parametrize("fault", FAULTS.values())
def test_planted_faults_are_caught(fault):
    model, policy = SHOWS.get(fault, ("chain", "random"))
    found = run_job(AuditJob(f"{FAULT_FILE}:{fault}", model, policy, 5, 300))
    assert any(judge(case, 1100) for case in found.cases) or any(u["departures"] for u in found.updates)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("CriticFittedFirst", "an update fits the critic before its values serve as the baseline"),
        ("LineSearchIgnoresImprovement", "a step that makes the surrogate worse is accepted"),
    ],
)
def test_faults_of_an_update_whose_gradient_is_right_are_named(fault, words):
    found = run_job(AuditJob(f"{FAULT_FILE}:{fault}", "chain", "random", 5, 150))
    assert [judge(case, 100) for case in found.cases] == [[]] * len(found.cases)
    assert any(words in departure for update in found.updates for departure in update["departures"])


def test_an_update_that_steps_on_something_else_than_the_audited_gradient_is_told():
    """PPO's gradient at the rollout's policy is the declared one, and its minibatch steps are not."""
    for name in GRADIENTS:
        found = run_job(AuditJob(name, "chain", "random", 5, 150))
        assert {update["driven"] for update in found.updates} == {name != "ppo"}
        assert [update["departures"] for update in found.updates] == [[]] * len(found.updates)


def test_an_update_that_asks_for_the_gradient_and_ignores_it_is_told(tmp_path):
    """Its bits depend on how many batches there are, as those of torch may."""
    file = tmp_path / "mine.py"
    file.write_text(IGNORING)
    updates = run_job(AuditJob(f"{file}:Ignoring", "chain", "random", 5, 100)).updates
    assert {update["driven"] for update in updates} == {False}


def test_which_gradient_an_update_steps_on_is_looked_at_where_the_policy_is_random():
    jobs = plan_audit(["ppo"], ["chain"], batches=100)
    (found,) = run_audit(jobs, workers=1)["algorithms"].values()
    assert {update["policy"] for update in found["updates"] if "driven" in update} == {"random"}
    assert {update["policy"] for update in found["updates"]} == {"uniform", "sharpened", "random"}
    assert found["passes"]
    assert not found["driven"]


@pytest.mark.parametrize("algorithm", ["Pairs", "Fives", "ByDeviation", "ByLength", "Plain"])
@pytest.mark.parametrize("model", ["chain", "answers"])
def test_groups_of_any_size_and_normalisation_pass(algorithm, model, tmp_path):
    file = tmp_path / "grouped.py"
    file.write_text(GROUPED)
    found = run_job(AuditJob(f"{file}:{algorithm}", model, "random", 5, 150))
    assert [judge(case, 100) for case in found.cases] == [[]] * len(found.cases)
    assert [update["departures"] for update in found.updates] == [[]] * len(found.updates)


@pytest.mark.parametrize(
    ("fault", "tests"), [("OwnReturnInItsBaseline", ["exact", "reference"]), ("BaselineOfAnotherGroup", ["variance"])]
)
def test_a_wrong_baseline_is_told_by_what_is_wrong_with_it(fault, tests):
    """Another group's mean is independent of the episode, so that it has no bias; it is no help either."""
    found = run_job(AuditJob(f"{FAULT_FILE}:{fault}", "prompts", "random", 5, 600))
    assert sorted(name for case in found.cases for name in judge(case, 100)) == tests


def test_a_line_search_that_is_inherited_and_ignored_is_told(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(UNSEARCHED)
    updates = run_job(AuditJob(f"{file}:Unsearched", "chain", "random", 5, 150)).updates
    (departure,) = {d for update in updates for d in update["departures"] if "surrogate" in d}
    assert departure.endswith("its line search has no effect")


def test_what_has_no_gradient_is_refused_in_one_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(WITHOUT_GRADIENT)
    with pytest.raises(
        UsageError, match=r"mine\.py:Idle cannot be audited: it has no gradient and no target .* run and"
    ):
        plan_audit([f"{file}:Idle"], ["chain"])


def test_plans_that_are_given_seed_by_seed_are_audited_where_they_agree(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(LISTED)
    found = run_job(AuditJob(f"{file}:Listed", "chain", "random", 5, 150))
    assert [judge(case, 100) for case in found.cases] == [[]] * len(found.cases)
    assert [update["departures"] for update in found.updates] == [[]] * len(found.updates)


IGNORING = """
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Ignoring(Reinforce):
    def update(self, state, rollout):
        asked, metrics = self.gradient(state, rollout)
        own, _ = Reinforce.gradient(self, state, rollout)
        step = -1e-3 * (1 + 1e-12 * len(state.seeds)) * own.policy
        return state._replace(policy=state.policy + step), metrics
"""

UNSEARCHED = """
from dataclasses import dataclass
import torch
from pgsuite.algorithms import TRPO, Search

@dataclass(frozen=True, kw_only=True)
class Unsearched(TRPO):
    def step(self, surrogate, policy, full_step):
        _, kl = surrogate.evaluate(policy + full_step)
        return Search(policy + full_step, torch.ones_like(kl, dtype=torch.bool), torch.ones_like(kl), kl)
"""

GROUPED = """
from dataclasses import dataclass
from pgsuite.algorithms import GRPO, RLOO

@dataclass(frozen=True, kw_only=True)
class Pairs(RLOO):
    group_size: int = 2

@dataclass(frozen=True, kw_only=True)
class Fives(RLOO):
    group_size: int = 5
    num_envs: int = 10

@dataclass(frozen=True, kw_only=True)
class ByDeviation(GRPO):
    group_size: int = 5
    num_envs: int = 10
    normalise_by_length: bool = False

@dataclass(frozen=True, kw_only=True)
class ByLength(GRPO):
    group_size: int = 2
    normalise_by_deviation: bool = False

@dataclass(frozen=True, kw_only=True)
class Plain(ByDeviation):
    normalise_by_deviation: bool = False
"""

LISTED = """
from dataclasses import dataclass
from pgsuite.algorithms import ActorCritic

@dataclass(frozen=True, kw_only=True)
class Listed(ActorCritic):
    def plan(self, state):
        return [super(Listed, self).plan(state) for _ in state.seeds]
"""

WITHOUT_GRADIENT = """
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True)
class Idle:
    of: str = "reinforce"
    init = plan = behaviour = evaluated = actor = update = lambda self, *_: None
"""

CORRECT = """
from dataclasses import dataclass, replace
from typing import Literal
from pgsuite.algorithms.actor_critic import ActorCritic
from pgsuite.algorithms.blocks import standardised
from pgsuite.algorithms.reinforce import Reinforce
from pgsuite.algorithms.returns import discount_powers

@dataclass(frozen=True, kw_only=True)
class LeaveOneOut(Reinforce):
    '''The mean return of the other episodes at the same time is the baseline: unbiased, and not our formula.'''

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        if self.normalise_advantages:
            return samples
        first = rollout.reward.new_zeros(rollout.reward.shape)
        mean = self.first_returns(rollout)
        baseline = (mean.sum(1, keepdim=True) - mean) / (self.num_envs - 1)
        first[:, :, 0] = baseline
        weight = self.experience(state, rollout)
        shift = self.pack(rollout, weight, weight=first, value_target=first, standardise=False).weight
        return samples._replace(weight=samples.weight - shift)

    def first_returns(self, rollout):
        from pgsuite.algorithms.returns import discounted_returns
        return discounted_returns(rollout.reward, rollout.done, self.discount)[:, :, 0]

@dataclass(frozen=True, kw_only=True)
class DiscountedWindows(ActorCritic):
    state_weighting: Literal["undiscounted", "discounted"] = "discounted"

    @property
    def target(self):
        return replace(super().target, state_weighting=self.state_weighting)

    def bootstrapped(self, state, rollout, *, trace, standardise):
        samples = super().bootstrapped(state, rollout, trace=trace, standardise=False)
        if self.state_weighting == "discounted":
            experience = self.experience(state, rollout)
            powers = discount_powers(rollout.time, self.discount, samples.weight.dtype)
            times = self.pack(rollout, experience, weight=powers, value_target=powers, standardise=False).weight
            samples = samples._replace(weight=samples.weight * times)
        return samples._replace(weight=standardised(samples.weight, samples.mask)) if standardise else samples

@dataclass(frozen=True, kw_only=True)
class Raises(Reinforce):
    def gradient(self, state, rollout):
        raise ZeroDivisionError("division by zero")

@dataclass(frozen=True, kw_only=True)
class NotANumber(Reinforce):
    def gradient(self, state, rollout):
        gradient, metrics = super().gradient(state, rollout)
        return gradient._replace(policy=gradient.policy * float("nan")), metrics

@dataclass(frozen=True, kw_only=True)
class Flat(Reinforce):
    def gradient(self, state, rollout):
        gradient, metrics = super().gradient(state, rollout)
        return gradient._replace(policy=gradient.policy.flatten()), metrics

@dataclass(frozen=True, kw_only=True)
class Unplanned(Reinforce):
    def plan(self, state):
        raise RuntimeError("no\\nplan")

@dataclass(frozen=True, kw_only=True)
class BootstrappedRounds(Reinforce):
    @property
    def target(self):
        return replace(super().target, bootstrap=0.9)

@dataclass(frozen=True, kw_only=True)
class OnceNotANumber(Reinforce):
    def gradient(self, state, rollout):
        gradient, metrics = super().gradient(state, rollout)
        if len(gradient.policy) == 100:
            gradient.policy[7] = float("nan")
        return gradient, metrics
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "own.py"
    file.write_text(CORRECT)
    return file


def test_a_correct_algorithm_with_a_baseline_of_its_own_passes(own):
    for policy in ("uniform", "random"):
        found = run_job(AuditJob(f"{own}:LeaveOneOut", "chain", policy, 1, 600))
        assert [judge(case, 1100) for case in found.cases] == [[]] * len(found.cases)


@pytest.mark.parametrize("model", ["chain", "corridor", "two-state"])
def test_the_discounted_weighting_of_windows_is_part_of_the_target(own, model):
    found = run_job(AuditJob(f"{own}:DiscountedWindows", model, "random", 1, 300))
    assert [judge(case, 1100) for case in found.cases] == [[]] * len(found.cases)


def test_an_algorithm_that_raises_departs(own):
    found = run_job(AuditJob(f"{own}:Raises", "chain", "random", 0, 100))
    (departure,) = found.updates[0]["departures"]
    assert re.fullmatch(r"raised ZeroDivisionError: division by zero \(in .*own\.py:\d+\)", departure)


@pytest.mark.parametrize("name", ["NotANumber", "OnceNotANumber"])
def test_gradients_that_are_not_finite_depart(own, name):
    found = run_job(AuditJob(f"{own}:{name}", "chain", "random", 0, 100))
    assert [judge(case, 1100) for case in found.cases] == [["finite"]] * len(found.cases)


def test_gradients_of_the_wrong_shape_depart(own):
    found = run_job(AuditJob(f"{own}:Flat", "bandit", "random", 0, 100))
    (update,) = found.updates
    (departure,) = update["departures"]
    assert departure.startswith("gradient of the policy has shape (")
    assert "expected (S, P) = (100, " in departure


def test_jobs_are_their_own_seed_and_processes_change_nothing():
    jobs = plan_audit(["reinforce"], ["bandit"], seed=4, batches=100)
    one, two = (run_audit(jobs, workers=workers) for workers in (1, 2))
    for audit in (one, two):
        del audit["seconds"]
    assert one == two
    other = run_audit(plan_audit(["reinforce"], ["bandit"], seed=5, batches=100), workers=1)
    assert other["algorithms"]["reinforce"]["cases"] != one["algorithms"]["reinforce"]["cases"]


def test_the_bias_of_a_wrong_critic_is_measured_as_it_is():
    curve = run_job(AuditJob("actor-critic", "", "random", 0, 1000)).bias_variance
    for point in curve:
        assert point["bias"] == pytest.approx(point["exact_bias"], abs=4 * point["bias_error"])
    exact = {(p["trace"], p["critic_error"]): p["exact_bias"] for p in curve}
    assert exact[0.0, 0.0] == pytest.approx(0.0, abs=1e-12)
    assert exact[0.0, 1.0] > exact[0.95, 1.0] > exact[1.0, 1.0]


def test_unknown_names_and_unfit_algorithms_are_refused(tmp_path):
    with pytest.raises(UsageError, match="unknown model 'chian': choose one of chain"):
        plan_audit([], ["chian"])
    with pytest.raises(UsageError, match="unknown algorithm 'reinforc'"):
        plan_audit(["reinforc"], [])


def test_an_algorithm_that_cannot_plan_is_refused(own):
    with pytest.raises(UsageError, match=r"own\.py:Unplanned cannot be audited: RuntimeError: no plan"):
        plan_audit([f"{own}:Unplanned"], ["bandit"])


def test_a_bootstrap_on_rounds_is_refused(own):
    with pytest.raises(UsageError, match=r"cannot be audited: it declares a bootstrap with λ = 0\.9"):
        plan_audit([f"{own}:BootstrappedRounds"], ["bandit"])


def test_a_model_named_twice_is_audited_once():
    assert plan_audit(["reinforce"], ["bandit", "bandit"]) == plan_audit(["reinforce"], ["bandit"])


def test_command(monkeypatch, capsys, tmp_path, own):
    import sys

    from pgsuite import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pgsuite", "audit", *arguments])
        monkeypatch.setenv("COLUMNS", "150")
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capsys.readouterr()

    file = tmp_path / "audit.json"
    code, out, _ = run("-a", "reinforce", "-m", "bandit", "--batches", "100", "--workers", "1", "--json", str(file))
    assert code == 0
    assert "every gradient follows the declared target, and every update steps on it" in out
    assert json.loads(file.read_text())["passes"]
    code, out, _ = run("-a", f"{FAULT_FILE}:SignFlipped", "-m", "bandit", "--batches", "100", "--workers", "1")
    assert code == 1
    assert "the mean gradient is not the exact one" in out
    code, _, err = run("-m", "nonesuch")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run("--json", str(tmp_path / "none" / "audit.json"))
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_audit_that_hangs_is_ended(workers, tmp_path, monkeypatch):
    (tmp_path / "stuck.py").write_text(
        "import time\nfrom dataclasses import dataclass\nfrom pgsuite.algorithms import Reinforce\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Stuck(Reinforce):\n"
        "    def gradient(self, state, rollout):\n        time.sleep(1000)\n"
    )
    monkeypatch.setenv("PGSUITE_STALL_LIMIT", "1")
    jobs = plan_audit([f"{tmp_path}/stuck.py:Stuck"], ["bandit"], batches=100)
    with pytest.raises(PgsuiteError, match="stall limit") as error:
        run_audit(jobs, workers=workers)
    assert "stuck.py:Stuck on bandit" in str(error.value)
