"""Windows and updates without a break beside those one by one: the same bits, of everything that is kept of a run."""

from dataclasses import dataclass, fields

import numpy as np
import pytest

from pgsuite.algorithms import ActorCritic, PolicyGradient, Steps
from pgsuite.envs import kernel
from pgsuite.envs.classic import TASKS
from pgsuite.envs.compiled import CompiledVectorEnv
from pgsuite.errors import EnvironmentFault
from pgsuite.suites import training, unbroken
from pgsuite.suites.evaluation import Evaluated
from pgsuite.suites.faults import Fault
from pgsuite.suites.training import Part, TrainingLoop
from pgsuite.suites.unbroken import LEAST, Unbroken, _first, _Met

from .conftest import Memory
from .drifting import ACTIONS, drift, register

LEARNING = {"learning_rate": 0.01, "learning_rate_decay": "linear", "entropy_weight": 0.01}
NORMALISED = {"normalise_observations": True, "scale_rewards": True, "normalise_advantages": True}


class Breaks:
    """Counts how often windows went on without a break, or keeps them from it."""

    def __init__(self, monkeypatch) -> None:
        self._patch, self._go_on = monkeypatch, Unbroken.go_on
        self.windows = 0
        self.allow()

    def allow(self) -> None:
        def counting(unbroken, algorithm, each, runs, *given):
            made = self._go_on(unbroken, algorithm, each, runs, *given)
            self.windows += 0 if made is None else int((made.rollouts - runs.rollouts).sum())
            return made

        self._patch.setattr(Unbroken, "go_on", counting)

    def forbid(self) -> None:
        self._patch.setattr(Unbroken, "go_on", lambda *given: None)


@pytest.fixture
def breaks(monkeypatch):
    return Breaks(monkeypatch)


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", *ACTIONS])
@pytest.mark.parametrize("options", [{}, LEARNING, NORMALISED, LEARNING | NORMALISED], ids=str)
def test_the_bits_are_those_of_one_by_one(env, options, drifting, breaks, small_cell, train):
    cell = small_cell("actor-critic", env, steps=1500, **options)
    whole = train(cell, [1, 2, 9])
    assert breaks.windows > 3 * 50, "of 71 windows each"
    breaks.forbid()
    pieces = train(cell, [1, 2, 9])
    for seed in (1, 2, 9):
        assert whole.bits(seed) == pieces.bits(seed)
        assert whole.facts[seed]["status"] == "complete"
    assert whole.steps == pieces.steps


@pytest.mark.parametrize(
    "options",
    [{"num_envs": 9, "num_steps": 20}, {"hidden": ()}, {"activation": "relu"}, {"max_gradient_norm": None}],
    ids=["more than a block", "linear", "relu", "unclipped"],
)
def test_of_other_sizes_too(options, breaks, small_cell, train):
    cell = small_cell("actor-critic", steps=9000, checkpoints=2, **NORMALISED, **options)
    whole = train(cell, [4])
    assert breaks.windows
    breaks.forbid()
    assert whole.bits(4) == train(cell, [4]).bits(4)


def test_a_run_has_the_bits_that_it_has_alone(breaks, small_cell, train):
    """Though how many windows go on at once depends on the company."""
    cell = small_cell("actor-critic", steps=4000, checkpoints=2, **NORMALISED)
    alone, counted = train(cell, [3]).bits(3), breaks.windows
    assert train(cell, range(40)).bits(3) == alone
    assert breaks.windows > 20 * counted


def test_it_ends_where_the_budget_does_and_tells_all_steps(breaks, small_cell, train):
    """Episodes that are a dozen steps long, so that resets make up for some of every window."""
    run = train(small_cell("actor-critic", steps=1500, checkpoints=1), [5])
    done = int(run.tensors[5]["steps"][0])
    assert breaks.windows > 60
    assert 1500 <= done == run.steps < 1500 + 21
    assert run.tensors[5]["behaviour_steps"][0] <= 1500
    assert run.rows[5][-1].updates == run.tensors[5]["rollouts"][0]


def test_an_interrupted_run_goes_on_with_the_same_bits(breaks, small_cell, train):
    cell = small_cell("actor-critic", steps=1500, **NORMALISED)
    whole, interrupted = train(cell, [1]), Memory(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(cell, [1], interrupted)
    interrupted.stop_after = None
    assert train(cell, [1], interrupted).bits(1) == whole.bits(1)


def test_settings_that_train_as_one_program_have_their_own(breaks, small_cell):
    options = [{"learning_rate": 0.02, "discount": 0.9}, {"learning_rate": 0.001, "entropy_weight": 0.1}]
    cells = [small_cell("actor-critic", steps=900, **{"entropy_weight": 0.01, **each}) for each in options]

    def together():
        sinks = [Memory() for _ in cells]
        TrainingLoop().train_together([Part(cell, [1, 2], sink) for cell, sink in zip(cells, sinks, strict=True)])
        return [sink.bits(seed) for sink in sinks for seed in (1, 2)]

    whole = together()
    assert breaks.windows > 4 * 20
    breaks.forbid()
    assert whole == together()
    assert len({bits["state.policy"] for bits in whole}) == 4


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_a_run_diverges_in_the_same_update(env, breaks, small_cell, train):
    """In the middle of a stretch; the learning rate is such that it takes some updates."""
    cell = small_cell("actor-critic", env, steps=3000, checkpoints=1, learning_rate=1e20, max_gradient_norm=None)
    whole = train(cell, [1, 2])
    breaks.forbid()
    pieces = train(cell, [1, 2])
    for seed in (1, 2):
        assert whole.facts[seed]["status"] == "diverged"
        assert whole.facts[seed]["diverged_at"] == pieces.facts[seed]["diverged_at"]
        assert whole.bits(seed) == pieces.bits(seed)


def breaking(reward, seen):
    """What happens in one of twenty-five episodes, by what its reset drew: to rewards, or to what is seen last."""

    @kernel
    def begin(draws, state):
        state[:2] = draws
        state[2] = draws[0]

    @kernel
    def breaking_drift(state, action, following):
        paid, _ = drift(state, action, following)
        following[2] = state[2]
        return (reward if abs(state[2]) > 0.48 else paid), abs(following[0]) > 0.6

    @kernel
    def show(state, observation):
        observation[:] = state[:2]
        if abs(state[2]) > 0.48 and abs(state[0]) > 0.6:
            observation[0] = seen

    return {"state_size": 3, "initial": begin, "dynamics": breaking_drift, "observe": show}


@pytest.mark.parametrize("seeds", [[6], [6, 7, 8], [3, 1, 2]], ids=str)
@pytest.mark.parametrize(("reward", "seen"), [(np.nan, 0.0), (0.0, np.inf)], ids=["reward", "last observation"])
def test_an_environment_that_breaks_down_is_named_at_the_same_step(
    reward, seen, seeds, drifting, breaks, small_cell, monkeypatch
):
    """The last observation of an episode that has ended is not learned from, so that all else stays finite."""
    nothing = Evaluated(np.zeros((len(seeds), 2)), np.ones((len(seeds), 2), np.int64))
    monkeypatch.setattr(training, "evaluate", lambda *given: nothing)
    register("tests/Breaking-v0", ACTIONS["tests/Half-v0"], **breaking(reward, seen))
    cell, told = small_cell("actor-critic", "tests/Breaking-v0", steps=3000, checkpoints=1), []
    for way in (breaks.allow, breaks.forbid):
        way()
        with pytest.raises(EnvironmentFault, match=r"non-finite \w+ to seed") as caught:
            TrainingLoop().train(cell, seeds, Memory())
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_large_observations_are_no_fault(drifting, breaks, small_cell, train):
    """Whose sum is beyond float32."""

    @kernel
    def far(state, observation):
        observation[0], observation[1] = 3e38 + 1e37 * state[0], 3e38 + 1e37 * state[1]

    register("tests/Far-v0", ACTIONS["tests/Choices-v0"], observe=far)
    cell = small_cell("actor-critic", "tests/Far-v0", steps=900, checkpoints=1, normalise_observations=True)
    run = train(cell, [1])
    assert breaks.windows
    breaks.forbid()
    assert run.bits(1) == train(cell, [1]).bits(1)


PARTS = sorted(
    {name for kind in (ActorCritic, PolicyGradient) for name in vars(kind) if name != "_abc_impl" and name[:2] != "__"}
    - {field.name for field in fields(ActorCritic)}
)


@pytest.mark.parametrize("name", PARTS)
def test_who_has_a_way_of_its_own_goes_one_by_one(name):
    """Any method, property or constant of the class."""

    class Own(ActorCritic):
        pass

    setattr(Own, name, None)
    assert not ActorCritic.as_written.fget(object.__new__(Own))


def test_other_numbers_are_no_other_ways():
    @dataclass(frozen=True, kw_only=True)
    class Impatient(ActorCritic):
        num_steps: int = 8

    assert ActorCritic().as_written
    assert Impatient(discount=0.9).as_written


def test_an_object_with_a_way_of_its_own_goes_one_by_one():
    own = ActorCritic()
    object.__setattr__(own, "observed", lambda state, rollout: state)
    assert not own.as_written


@pytest.mark.parametrize(
    ("algorithm", "env", "options"),
    [
        ("actor-critic", "CartPole-v1", {"dtype": "float64"}),
        ("actor-critic", "pgsuite/ProbeContinuous-v0", {}),
        ("ppo", "CartPole-v1", {}),
    ],
    ids=["float64", "stepped from outside", "another algorithm"],
)
def test_what_cannot_goes_one_by_one(algorithm, env, options, breaks, small_cell, train):
    cell = small_cell(algorithm, env, steps=1500, **options)
    run = train(cell, [1])
    assert not breaks.windows
    breaks.forbid()
    assert run.bits(1) == train(cell, [1]).bits(1)


def test_some_of_the_seeds_go_on_while_others_have_diverged(breaks, small_cell, monkeypatch):
    """Places of seeds among all are not their places among those that go on."""
    monkeypatch.setattr(unbroken, "ROOM", 10_000)
    settings = {1e20: [5], 0.001: [2, 9], 1e19: [7], 0.02: [4, 5]}
    cells = [small_cell("actor-critic", steps=2000, max_gradient_norm=None, learning_rate=rate) for rate in settings]

    def together():
        sinks, seeds = [Memory() for _ in cells], settings.values()
        TrainingLoop().train_together([Part(*part) for part in zip(cells, seeds, sinks, strict=True)])
        assert [{sink.facts[seed]["status"] for seed in sink.facts} for sink in sinks] == [
            {"diverged"},
            {"complete"},
        ] * 2
        return [sink.bits(seed) for sink in sinks for seed in sink.facts]

    whole = together()
    assert breaks.windows
    breaks.forbid()
    assert whole == together()


def test_what_is_drawn_ahead_has_bounds(breaks, small_cell, train, monkeypatch):
    """An environment of a large state may draw much at a reset."""
    monkeypatch.setattr(unbroken, "ROOM", 700)
    train(small_cell("actor-critic", steps=1500), [1])
    assert not breaks.windows


@pytest.mark.parametrize(
    ("pace", "seeds", "most"),
    [(0.0, 1, LEAST), (0.001, 1, 250), (0.001, 10, 25), (0.001, 100, LEAST), (0.1, 1, LEAST), (1.0, 1, 0)],
)
def test_training_hears_of_it_about_every_quarter_of_a_second(pace, seeds, most):
    """In windows; an environment of users may take long for a step."""
    going, env = Unbroken(10**6), CompiledVectorEnv("CartPole-v1", TASKS["CartPole-v1"], [0])
    going._pace = pace
    assert set(going._windows(Steps(8, 16), env, 2, np.full(seeds, 10**6))) == {most}
    assert set(going._windows(Steps(8, 16), env, 2, np.full(seeds, 127))) == {0}


def test_seeds_that_have_ended_count_for_what_is_drawn_ahead():
    """Their environments have room for as many draws."""
    going, plan = Unbroken(10**6), Steps(8, 16)
    going._pace = 1e-6
    few, many = (CompiledVectorEnv("CartPole-v1", TASKS["CartPole-v1"], [0] * count) for count in (8, 800))
    one, other = (int(going._windows(plan, env, 2, np.full(1, 10**6))[0]) for env in (few, many))
    assert other * 800 * 9 * 4 <= unbroken.ROOM
    assert one > 50 * other


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3, Fault("reward", 0, 1, 5, 7)), (4, Fault("observation", 0, 1, 5, 0))),
        ((3, Fault("observation", 0, 1, 5, 0)), (3, Fault("reward", 0, 1, 5, 1))),
        ((3, Fault("reward", 0, 1, 5, 7)), (3, Fault("observation", 0, 1, 5, 2))),
        ((3, Fault("reward", 0, 1, 5, 6)), (3, Fault("reward", 0, 1, 5, 7))),
    ],
    ids=["window", "begin", "reward before observation", "time"],
)
@pytest.mark.parametrize("turned", [False, True])
def test_of_faults_that_is_told_which_is_met_first_one_by_one(first, second, turned):
    """As `first_fault` has it of a window of all seeds."""
    met = [_Met(*first, seed=1, before=100), _Met(*second, seed=2, before=200)]
    assert "seed 1, environment 1, by step 105" in str(_first("Env-v0", met[::-1] if turned else met))
