"""Windows and rounds over a scripted environment: who is stepped, what is recorded where, what counts."""

import gymnasium
import numpy as np
import pytest
import torch

from pgsuite.algorithms.interface import Episodes, Steps
from pgsuite.algorithms.model import Action
from pgsuite.envs import make
from pgsuite.envs.vector import Transition
from pgsuite.errors import EnvironmentFault
from pgsuite.suites.collection import Collector


class Scripted:
    """Member m plays episodes of ``lengths[m]`` steps and observes (m, episode, time); the reward of time t is t + 1.

    ``bad`` maps a member to what is not finite in its episodes' second step.
    """

    id, backend, version = "Scripted-v0", "scripted", "0"
    action_space = gymnasium.spaces.Discrete(100)
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,))

    def __init__(self, lengths, truncates=(), bad=None):
        self.lengths, self.truncates, self.bad = np.array(lengths), truncates, bad or {}
        self.num_envs = len(lengths)
        self.episode, self.time = np.full(self.num_envs, -1), np.zeros(self.num_envs, int)
        self.ended = np.ones(self.num_envs, bool)
        self.calls = []

    def _seen(self, members):
        return np.stack([members, self.episode[members], self.time[members]], 1).astype(np.float32)

    def reset(self, indices=None):
        members = np.arange(self.num_envs) if indices is None else np.array(indices)
        self.episode[members] += 1
        self.time[members], self.ended[members] = 0, False
        return self._seen(members)

    def step(self, action, indices=None):
        members = np.arange(self.num_envs) if indices is None else np.array(indices)
        self.calls.append(members.tolist())
        valid = ~self.ended[members]
        self.reset(members[~valid])
        going = members[valid]
        assert (np.asarray(action)[valid] == self.time[going]).all(), "an action chosen for another observation"
        self.time[going] += 1
        reward = np.where(valid, self.time[members], 0.0).astype(float)
        over = valid & (self.time[members] == self.lengths[members])
        cut = over & np.isin(members, self.truncates)
        self.ended[members] = over
        seen = self._seen(members)
        for row, member in enumerate(members):
            if valid[row] and self.time[member] == 2:
                if self.bad.get(member) == "reward":
                    reward[row] = np.nan
                if self.bad.get(member) == "observation":
                    seen[row, 0] = np.inf
        return Transition(seen, reward, over & ~cut, cut, valid)


class Still:
    """Noise that nobody listens to."""

    stretch = 64

    def draw(self, steps, wanted):
        return torch.zeros(len(wanted), steps, 1, 1)


def actor(observation, noise):
    """The action is the time observed."""
    return Action(
        observation[..., 2],
        observation[..., 2].numpy().copy(),
        np.ones(len(observation), bool),
        torch.zeros(observation.shape[:2]),
    )


def collector(lengths, num_envs, **options):
    return collector_of(Scripted(lengths, **options), [10 + s for s in range(len(lengths) // num_envs)])


def collector_of(env, seeds):
    """A collector of environments that are there; they can be asked for once."""
    it = Collector(seeds, lambda first, count: env)
    it.env = env
    return it


def collect(it, plan, rows=None, act=actor):
    rows = np.arange(len(it.seeds)) if rows is None else np.array(rows)
    steps = np.full(len(rows), 100)
    return it.collect(plan, act, Still(), rows, steps, torch.zeros(len(rows)))


def test_a_window_marks_resets_and_counts_time():
    rollout, _ = collect(collector([2, 9], 2), Steps(2, 7))
    assert rollout.valid[0].tolist() == [[1, 1, 0, 1, 1, 0, 1], [1] * 7]
    assert rollout.time[0, 0][rollout.valid[0, 0]].tolist() == [0, 1, 0, 1, 0]
    assert rollout.time[0, 1].tolist() == list(range(7))
    assert rollout.reward[0, 0].tolist() == [1, 2, 0, 1, 2, 0, 1]
    assert rollout.terminated[0, 0].tolist() == [0, 1, 0, 0, 1, 0, 0]
    assert not rollout.complete


def test_observation_and_what_follows_it():
    """Entry t + 1 follows step t: the final observation of an episode, and the first one after a reset."""
    rollout, _ = collect(collector([2, 9], 2), Steps(2, 4))
    assert rollout.observation[0, 0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1]]
    assert rollout.action[0, 1].tolist() == [0, 1, 2, 3]


def test_terminated_and_truncated_are_kept_apart():
    rollout, _ = collect(collector([2, 2], 2, truncates=[1]), Steps(2, 2))
    assert rollout.terminated[0].tolist() == [[False, True], [False, False]]
    assert rollout.truncated[0].tolist() == [[False, False], [False, True]]


def test_windows_go_on_where_they_were():
    it = collector([5, 5], 1)
    parts = [collect(it, Steps(1, length))[0] for length in (3, 4, 2)]
    whole, _ = collect(collector([5, 5], 1), Steps(1, 9))
    for field in ("action", "reward", "terminated", "valid", "time"):
        assert torch.equal(torch.cat([getattr(p, field) for p in parts], 2), getattr(whole, field)), field
    assert torch.equal(parts[1].observation[:, :, 0], parts[0].observation[:, :, -1])


def test_rows_left_out_stand_still():
    it = collector([5] * 6, 2)
    collect(it, Steps(2, 2))
    it.env.calls.clear()
    some, _ = collect(it, Steps(2, 2), rows=[2, 0])
    assert it.env.calls == [[4, 5, 0, 1]] * 2
    assert some.observation[:, 0, 0].tolist() == [[4, 0, 2], [0, 0, 2]]
    everyone, _ = collect(it, Steps(2, 1))
    assert everyone.time[:, 0, 0].tolist() == [4, 2, 4]


def test_a_round_is_one_episode_each():
    it = collector([3, 1, 2, 4], 2)
    rollout, _ = collect(it, Episodes(2))
    assert rollout.complete
    assert rollout.valid.sum(2).tolist() == [[3, 1], [2, 4]]
    assert rollout.terminated.sum(2).tolist() == [[1, 1], [1, 1]]
    assert it.env.calls == [[0, 1, 2, 3], [0, 2, 3], [0, 3], [3]]  # a finished member is not stepped again
    assert not rollout.reward[~rollout.valid].any()
    assert rollout.observation[1, 1].tolist() == [[3, 0, t] for t in range(5)]
    again, _ = collect(it, Episodes(2))
    assert again.observation[:, :, 0, 1].tolist() == [[1, 1], [1, 1]]  # from reset


def test_a_round_of_some_rows():
    it = collector([3, 1, 2, 4], 2)
    rollout, _ = collect(it, Episodes(2), rows=[1])
    assert it.env.calls == [[2, 3], [2, 3], [3], [3]]
    assert rollout.valid.shape == (1, 2, 4)
    assert it.env.episode.tolist() == [-1, -1, 0, 0]


@pytest.mark.parametrize("longest", [63, 64, 65, 300])
def test_a_round_has_room_for_long_episodes(longest):
    rollout, _ = collect(collector([2, longest], 2), Episodes(2))
    assert rollout.reward[0, 1].tolist() == list(range(1, longest + 1))
    assert rollout.time[0, 1].tolist() == list(range(longest))
    assert rollout.observation.shape == (1, 2, longest + 1, 3)
    assert rollout.valid[0, 0].sum() == 2


@pytest.mark.parametrize("plan", [Steps(2, 4), Episodes(2)])
@pytest.mark.parametrize("what", ["reward", "observation"])
def test_a_number_that_is_not_finite_names_its_place(plan, what):
    it = collector([3, 3, 3, 3], 2, bad={3: what})
    # Two members have done two steps each when seed 11 meets it, after 100 before.
    with pytest.raises(EnvironmentFault, match=rf"Scripted-v0.*{what}.*seed 11, environment 1, by step 104"):
        collect(it, plan)


@pytest.mark.parametrize("plan", [Steps(2, 4), Episodes(2)])
def test_a_first_observation_that_is_not_finite_is_seen(plan):
    class SickFromReset(Scripted):
        def _seen(self, members):
            seen = super()._seen(members)
            seen[members == 2, 0] = np.nan
            return seen

    it = collector_of(SickFromReset([3] * 4), [10, 11])
    with pytest.raises(EnvironmentFault, match=r"observation to seed 11, environment 0, by step 100"):
        collect(it, plan)


@pytest.mark.parametrize("plan", [Steps(2, 4), Episodes(2)])
def test_actions_that_are_not_finite_because_of_an_observation_do_not_excuse_it(plan):
    def echo(observation, noise):
        action = actor(observation, noise)
        return action._replace(finite=np.isfinite(observation.numpy()).all((1, 2)))

    it = collector([3] * 4, 2, bad={3: "observation"})
    with pytest.raises(EnvironmentFault, match=r"observation to seed 11, environment 1"):
        collect(it, plan, act=echo)


@pytest.mark.parametrize("plan", [Steps(2, 4), Episodes(2)])
def test_not_the_environments_fault_if_the_action_was_not_finite(plan):
    def half_sick(observation, noise):
        return actor(observation, noise)._replace(finite=np.array([True, False]))

    it = collector([3] * 4, 2, bad={3: "reward"})
    _, finite = collect(it, plan, act=half_sick)
    assert finite.tolist() == [True, False]


def test_rounds_do_not_prefer_short_episodes():
    """CartPole under a random policy lasts 22 steps; the first eight of eight environments to finish last fewer."""

    def random_actor(observation, noise):
        action = (noise[..., 0] > 0).long()
        return Action(action, action.numpy(), np.ones(len(action), bool), torch.zeros(action.shape))

    class Coins:
        stretch = 64
        random = torch.Generator().manual_seed(0)

        def draw(self, steps, wanted):
            return torch.randn(len(wanted), steps, 8, 1, generator=self.random)

    def run(plan):
        it = collector_of(make("CartPole-v1", 800, range(800)), list(range(100)))
        return it.collect(plan, random_actor, Coins(), np.arange(100), np.zeros(100), torch.zeros(100))[0]

    assert run(Episodes(8)).valid.sum(2).double().mean() == pytest.approx(22.2, abs=1.5)

    window = run(Steps(8, 150))
    firsts = []
    for done, time in zip(window.done, window.time, strict=True):
        finished = done.T.nonzero()[:8]  # in order of time
        firsts += [int(time[member, t]) + 1 for t, member in finished]
    assert np.mean(firsts) == pytest.approx(17.5, abs=1.5)


@pytest.mark.parametrize("plan", [Steps(2, 4), Episodes(2)])
def test_one_action_that_was_not_finite_is_remembered(plan):
    """Whatever is chosen after it: the seed has diverged, and what its environment gives from then on is no fault."""

    def sick_once(observation, noise):
        action = actor(observation, noise)
        return action._replace(finite=(observation[:, 0, 0] == 0).numpy() | (observation[:, 0, 2] != 0).numpy())

    it = collector([3] * 4, 2, bad={3: "reward"})
    _, finite = collect(it, plan, act=sick_once)
    assert finite.tolist() == [True, False]


def growing(lengths, num_envs):
    """A collector that opens members as they are asked for: environment n of seed s is scripted by lengths[s][n]."""
    opened = []

    def open_members(first, count):
        opened.append((first, count))
        return Scripted([length for each in lengths for length in each[first : first + count]])

    it = Collector([10 + s for s in range(len(lengths))], open_members)
    it.opened = opened
    return it


def test_more_environments_join_those_that_go_on():
    it = growing([[3, 5, 9, 2], [4, 9, 9, 3]], 2)
    first, _ = collect(it, Steps(2, 4))
    second, _ = collect(it, Steps(4, 4))
    third, _ = collect(it, Steps(2, 4))
    assert it.opened == [(0, 2), (2, 2)], "each environment is opened once"
    assert second.time[:, :2, 0].tolist() == [[0, 4], [4, 4]]
    assert second.valid[:, :2, 0].tolist() == [[True, True], [False, True]], "an episode of four ended with the window"
    assert torch.equal(second.observation[:, :2, 0], first.observation[:, :, -1])
    assert (second.time[:, 2:, 0] == 0).all(), "the others begin"
    assert torch.equal(third.observation[:, :, 0], second.observation[:, :2, -1])


def test_rounds_of_more_environments():
    it = growing([[3, 5, 9, 2], [4, 9, 9, 3]], 2)
    collect(it, Episodes(2))
    second, _ = collect(it, Episodes(4))
    assert second.valid.sum(2).tolist() == [[3, 5, 9, 2], [4, 9, 9, 3]]
    assert (second.time[..., 0] == 0).all()
    assert it.opened == [(0, 2), (2, 2)]
