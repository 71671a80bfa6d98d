"""Classes of Stable-Baselines3 as algorithms of a suite: their hyperparameters, and what is refused."""

import inspect
from collections.abc import Sequence
from typing import Literal

import gymnasium
import pytest
import torch

from pgsuite.algorithms import Spaces
from pgsuite.algorithms.described import SelfDescription
from pgsuite.algorithms.options import options
from pgsuite.algorithms.registry import PEERS, build, load_class
from pgsuite.errors import UsageError
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

sb3 = pytest.importorskip("stable_baselines3")
contrib = pytest.importorskip("sb3_contrib")
from pgsuite.suites.sb3.adapter import sb3_algorithm  # noqa: E402

CLASSES = {"sb3-a2c": sb3.A2C, "sb3-ppo": sb3.PPO, "sb3-dqn": sb3.DQN, "sb3-trpo": contrib.TRPO}
OBSERVATION = gymnasium.spaces.Box(-1, 1, (3,))
ACTIONS = {
    "Discrete": gymnasium.spaces.Discrete(3),
    "shifted": gymnasium.spaces.Discrete(3, start=-1),
    "Box": gymnasium.spaces.Box(-2, 2, (2,)),
    "unbounded": gymnasium.spaces.Box(-torch.inf, torch.inf, (2,)),
    "MultiDiscrete": gymnasium.spaces.MultiDiscrete([2, 3]),
    "MultiBinary": gymnasium.spaces.MultiBinary(3),
}


def environment(name, algorithm):
    from pgsuite.suites.sb3.vector import Nowhere

    return algorithm.environment(Nowhere.of(Spaces(OBSERVATION, ACTIONS[name]), algorithm.n_envs))


@pytest.mark.parametrize("name", PEERS)
def test_hyperparameters_are_those_of_the_installed_version(name):
    """Every argument that TOML can say, with the library's default; and three of what stands around a model."""
    signature = inspect.signature(CLASSES[name].__init__).parameters
    own = {"n_envs", "normalise_observations", "scale_rewards", "rescale_actions"}
    run = {"self", "policy", "env", "seed", "device", "verbose", "tensorboard_log", "stats_window_size"}
    objects = {"rollout_buffer_class", "replay_buffer_class", "_init_setup_model"}
    found = {option.name for option in options(name)}
    assert found == own | (signature.keys() - run - objects)
    built = build(name, {})
    assert all(getattr(built, key) == signature[key].default for key in found - own)
    assert {option.meaning for option in options(name) if option.name == "gamma"} <= {
        "Discount factor",
        "the discount factor",
    }


def test_what_is_given_reaches_the_model():
    given = {
        "n_envs": 3,
        "n_steps": 16,
        "learning_rate": "lin_0.002",
        "gamma": 1,
        "policy_kwargs": {
            "net_arch": [7],
            "activation_fn": "nn.ReLU",
            "optimizer_class": "adamw",
            "log_std_init": -1.0,
        },
    }
    algorithm = build("sb3-ppo", given)
    model = algorithm.model(environment("Box", algorithm), seed=1)
    assert (model.n_envs, model.n_steps, model.gamma) == (3, 16, 1)
    assert model.lr_schedule(0.25) == pytest.approx(0.0005)
    assert [type(one).__name__ for one in model.policy.mlp_extractor.policy_net] == ["Linear", "ReLU"]
    assert model.policy.mlp_extractor.policy_net[0].out_features == 7
    assert isinstance(model.policy.optimizer, torch.optim.AdamW)
    assert model.policy.log_std.tolist() == [-1.0, -1.0]
    assert given["policy_kwargs"]["activation_fn"] == "nn.ReLU"  # and what was given stays as it was


def test_a_normaliser_is_where_it_is_asked_for():
    plain = build("sb3-a2c", {})
    assert plain.model(environment("Box", plain), seed=0).get_vec_normalize_env() is None
    scaled = build("sb3-a2c", {"scale_rewards": True, "gamma": 0.5})
    normaliser = scaled.model(environment("Box", scaled), seed=0).get_vec_normalize_env()
    assert (normaliser.norm_obs, normaliser.norm_reward, normaliser.gamma) == (False, True, 0.5)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sb3-ppo", {"n_step": 3}, "did you mean 'n_steps'"),
        ("sb3-ppo", {"num_envs": 3}, "did you mean 'n_envs'"),
        ("sb3-ppo", {"num_steps": 3}, "did you mean 'n_steps'"),
        ("sb3-ppo", {"n_steps": "3"}, "n_steps = '3': PPO takes a whole number"),
        ("sb3-ppo", {"n_steps": 3.5}, "n_steps = 3.5: PPO takes a whole number"),
        ("sb3-ppo", {"n_steps": True}, "n_steps = True: PPO takes a whole number"),
        ("sb3-a2c", {"use_rms_prop": 1}, "use_rms_prop = 1: A2C takes true or false"),
        ("sb3-ppo", {"learning_rate": "lin_x"}, "PPO takes a number or a schedule such as 'lin_0.001'"),
        ("sb3-ppo", {"learning_rate": "0.1"}, "PPO takes a number or a schedule such as 'lin_0.001'"),
        ("sb3-dqn", {"train_freq": [1, "episode"], "n_envs": 0}, "at least 1 environment"),
        ("sb3-ppo", {"policy_kwargs": {"activation_fn": "Tahn"}}, "'Tahn' is no class of torch's: did you mean 'Tanh'"),
        ("sb3-ppo", {"policy_kwargs": {"optimizer_class": "functional"}}, "is no class of torch's"),
        ("sb3-ppo", {"policy_kwargs": {"squash_output": True}}, "squash_output is not supported"),
        ("sb3-ppo", {"policy_kwargs": [64]}, "policy_kwargs = [64]: PPO takes a table"),
        (
            "sb3-ppo",
            {"rollout_buffer_class": "x"},
            "no suite file has a value for rollout_buffer_class: derive a class",
        ),
        ("sb3-a2c", {"n_steps": 0}, "n_steps = 0: A2C trains nothing with that; give at least 1"),
        ("sb3-ppo", {"n_epochs": 0}, "n_epochs = 0: PPO trains nothing with that"),
        ("sb3-dqn", {"train_freq": 0}, "train_freq = 0: DQN trains nothing with that"),
        ("sb3-dqn", {"train_freq": [0, "episode"]}, "train_freq = [0, 'episode']: DQN trains nothing with that"),
        ("sb3-dqn", {"buffer_size": 0}, "buffer_size = 0: DQN trains nothing with that"),
        ("sb3-dqn", {"batch_size": 0}, "batch_size = 0: DQN trains nothing with that"),
        ("sb3-dqn", {"gradient_steps": 0}, "give at least 1, or -1 for one a step collected"),
        ("sb3-trpo", {"cg_max_steps": 0}, "cg_max_steps = 0: TRPO trains nothing with that"),
        ("sb3-a2c", {"gamma": float("nan")}, "gamma = nan: A2C trains nothing with that; give a number"),
        ("sb3-ppo", {"seed": 3}, "has no option 'seed'"),
    ],
)
def test_what_the_signature_does_not_have_is_told_in_one_line(name, given, said):
    with pytest.raises(UsageError) as told:
        build(name, given)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sb3-ppo", {"n_steps": 1}, "PPO refuses its hyperparameters: `n_steps * n_envs` must be greater than 1"),
        ("sb3-ppo", {"batch_size": 1}, "`batch_size` must be greater than 1"),
        ("sb3-ppo", {"policy_kwargs": {"net_arc": [3]}}, "net_arc"),
        ("sb3-a2c", {"policy_kwargs": {"net_arch": ["x"]}}, "A2C refuses its hyperparameters"),
        ("sb3-dqn", {"train_freq": [1, "epoch"]}, "train_freq"),
        ("sb3-dqn", {"train_freq": [1, "episode"], "n_envs": 2}, "DQN counts episodes in one environment alone"),
        ("sb3-a2c", {"normalize_advantage": True, "n_steps": 1}, "A2C cannot standardise the one advantage of"),
        (
            "sb3-a2c",
            {"policy_kwargs": {"optimizer_class": "LBFGS"}},
            "optimizer_class = 'LBFGS' cannot train it (LBFGS.step",
        ),
        ("sb3-dqn", {"policy_kwargs": {"optimizer_class": "SparseAdam"}}, "name another, as 'Adam'"),
        ("sb3-ppo", {"policy_kwargs": {"activation_fn": "GLU"}}, "policy_kwargs: such layers do not go together"),
    ],
)
def test_what_the_library_refuses_is_told_before_anything_is_run(name, given, said):
    with pytest.raises(UsageError) as told:
        build(name, given).refusal(Spaces(OBSERVATION, ACTIONS["Discrete"]))
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("space", ACTIONS)
@pytest.mark.parametrize("name", PEERS)
def test_who_can_act_where(name, space):
    """By the table of supported spaces in the library's documentation; it wants continuous actions bounded."""
    works = space in ("Discrete", "shifted") or (name != "sb3-dqn" and space != "unbounded")
    refusal = build(name, {}).refusal(Spaces(OBSERVATION, ACTIONS[space]))
    assert (refusal == "") == works
    assert "<class" not in refusal


class Changed(sb3.PPO):
    """Somebody's own PPO, which passes on what it does not know."""

    def __init__(self, *args, bonus: float = 0.25, **others):
        """Take one hyperparameter more."""
        super().__init__(*args, **others)
        self.bonus = bonus


def test_a_class_of_ones_own_has_its_own_hyperparameters_and_those_it_passes_on():
    algorithm = sb3_algorithm(Changed)(bonus=0.5, n_steps=8, n_envs=2)
    model = algorithm.model(environment("Discrete", algorithm), seed=0)
    assert (type(model), model.bonus, model.n_steps, model.n_epochs) == (Changed, 0.5, 8, 10)
    with pytest.raises(UsageError, match="bonus = 'much': Changed takes a number"):
        sb3_algorithm(Changed)(bonus="much")


@pytest.mark.parametrize("library", [sb3.SAC, sb3.TD3, sb3.DDPG, contrib.QRDQN, contrib.TQC, contrib.ARS])
def test_the_librarys_other_classes_are_algorithms_too(library):
    adapted = sb3_algorithm(library)
    space = "Discrete" if library is contrib.QRDQN else "Box"
    small = {"buffer_size": 100} if "buffer_size" in inspect.signature(library).parameters else {}
    assert adapted(**small).refusal(Spaces(OBSERVATION, ACTIONS[space])) == ""


class Choosy(sb3.A2C):
    """With hyperparameters that are one of several, or many."""

    def __init__(
        self,
        *args,
        mode: Literal["slow", "fast"] = "slow",
        depth: Literal[1, 2] | None = None,
        widths: list[int] = [4],  # noqa: B006
        rates: Sequence[float] = (0.1,),
        hook: torch.Tensor | None = None,
        n_epochs: int = 0,
        **others,
    ):
        super().__init__(*args, **others)
        self.given = (mode, depth, widths, rates)


def test_what_is_one_of_several_or_many_is_an_option():
    adapted = sb3_algorithm(Choosy)
    algorithm = adapted(mode="fast", depth=2, widths=[3, 5], rates=[0.5])
    assert algorithm.model(environment("Discrete", algorithm), seed=0).given == ("fast", 2, [3, 5], (0.5,))
    assert (adapted().mode, adapted().n_epochs) == ("slow", 0)  # its own n_epochs, which may mean anything
    for wrong, said in (
        ({"mode": "quick"}, "mode = 'quick': Choosy takes 'slow' or 'fast'"),
        ({"depth": 3}, "depth = 3: Choosy takes 1 or 2"),
        ({"widths": 3}, "widths = 3: Choosy takes a list"),
    ):
        with pytest.raises(UsageError, match=said):
            adapted(**wrong)
    assert adapted.unwritable[0] == "hook"
    assert "n_epochs" not in adapted.unwritable


class Clashing(sb3.A2C):
    def __init__(self, *args, model: str = "small", **others):
        super().__init__(*args, **others)


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (contrib.RecurrentPPO, "RecurrentPPO has no MlpPolicy .*MlpLstmPolicy.* pgsuite.sb3_callback"),
        (contrib.MaskablePPO, "MaskablePPO asks environments which actions are allowed"),
        (Clashing, "Clashing: its hyperparameter 'model' has the name of something of the suite's: rename it"),
    ],
)
def test_a_class_that_cannot_be_adapted_says_why(library, said):
    with pytest.raises(UsageError, match=said):
        sb3_algorithm(library)


class Ordinary(sb3.A2C):
    """With defaults that its annotations do not have, and one that can be changed."""

    def __init__(self, *args, bonus: float = None, table: dict = {}, **others):  # noqa: B006, RUF013
        super().__init__(*args, **others)


def test_defaults_are_taken_as_they_are():
    assert sb3_algorithm(Ordinary)().bonus is None
    assert sb3_algorithm(Ordinary)(bonus=0.5, table={"a": 1}).table == {"a": 1}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sb3-dqn", {"learning_starts": 100}, "learning_starts = 100 is no less than the budget of 100"),
        ("sb3-ppo", {"n_steps": 16}, "batch_size = 64 is more than the 16 steps of a rollout"),
        ("sb3-ppo", {"n_steps": 16, "batch_size": 16}, ""),
        ("sb3-dqn", {"learning_starts": 99}, ""),
    ],
)
def test_what_a_budget_or_a_rollout_is_too_small_for_is_told(name, given, said):
    told = build(name, given).caution(100)
    assert said in told
    assert bool(told) == bool(said)


def test_a_policy_of_many_numbers_is_not_made_of_a_record_with_few():
    spaces = Spaces(OBSERVATION, ACTIONS["Discrete"])
    algorithm = build("sb3-dqn", {"policy_kwargs": {"net_arch": [5]}, "buffer_size": 10**15, "n_envs": 10**9})
    stored = 2 * (3 * 5 + 5 + 5 * 3 + 3)  # the network and its target
    assert sum(p.numel() for p in algorithm.form_for(spaces, stored).policy.parameters()) == stored
    with pytest.raises(ValueError, match="more than the 75 parameters that are stored"):
        algorithm.form_for(spaces, stored - 1)
    huge = build("sb3-ppo", {"policy_kwargs": {"net_arch": [4, 10**5, 10**5]}, "n_steps": 10**12})
    with pytest.raises(ValueError, match="that are stored"):
        huge.form_for(spaces, 1000)


def test_it_says_of_itself_all_that_can_be_asked():
    assert isinstance(build("sb3-a2c", {}), SelfDescription)


def test_a_budget_of_less_than_a_rollout_is_told(tmp_path):
    notes = [
        note
        for p in plan_cells(suite(**{"sb3-ppo": {}, "sb3-dqn": {"learning_starts": 10}}), tmp_path)
        for note in p.notes
    ]
    assert [note for note in notes if "nothing is learned" in note] == [
        f"sb3-ppo on {env}: its first 2048 steps, one rollout, are more than the budget of 100: nothing is learned"
        for env in ("CartPole-v1", "Pendulum-v1")
    ]


def test_exploration_of_continuous_actions_is_not_applicable_to_choices():
    refusal = build("sb3-a2c", {"use_sde": True}).refusal(Spaces(OBSERVATION, ACTIONS["Discrete"]))
    assert "continuous actions" in refusal


def test_what_takes_more_memory_than_there_is_is_told():
    with pytest.raises(UsageError, match="DQN refuses its hyperparameters"):
        build("sb3-dqn", {"buffer_size": 10**15}).refusal(Spaces(OBSERVATION, ACTIONS["Discrete"]))


def test_what_is_no_class_of_the_library_is_refused():
    with pytest.raises(UsageError, match="no class of Stable-Baselines3"):
        sb3_algorithm(dict)


OWN = """
import pgsuite
from stable_baselines3 import PPO


class Mine(PPO):
    def train(self):
        super().train()


MyPPO = pgsuite.sb3_algorithm(Mine)
"""


def suite(**algorithms):
    environments = {"CartPole-v1": {"steps": 100}, "Pendulum-v1": {"steps": 100}}
    return parse_suite(
        {"name": "t", "description": "t", "seeds": "0", "environments": environments, "algorithms": algorithms}, "t"
    )


def test_a_change_of_ones_own_class_makes_other_results(tmp_path):
    """The fingerprint follows the class that the adapter was made of."""
    file = tmp_path / "mine.py"

    def planned():
        return {
            p.cell.environment.name: p.cell.fingerprint
            for p in plan_cells(suite(mine={"class": f"{file}:MyPPO"}), tmp_path)
        }

    file.write_text(OWN)
    before = planned()
    assert planned() == before
    file.write_text(OWN.replace("super().train()", "super().train(); self.ent_coef = 0.1"))
    assert all(planned()[env] != before[env] for env in before)


def test_the_versions_of_the_library_count(tmp_path, monkeypatch):
    from pgsuite.suites import planning

    def planned():
        chosen = suite(**{"sb3-a2c": {}, "actor-critic": {}})
        return {p.cell.name: p.cell.fingerprint for p in plan_cells(chosen, tmp_path, environments=["CartPole-v1"])}

    before, real = planned(), planning.versions
    monkeypatch.setattr(planning, "versions", lambda *names: real(*names) | {n: "99" for n in names if "sb3" in n})
    after = planned()
    assert before["sb3-a2c on CartPole-v1"] != after["sb3-a2c on CartPole-v1"]
    assert before["actor-critic on CartPole-v1"] == after["actor-critic on CartPole-v1"]


def test_a_pair_that_cannot_work_has_nothing_to_run_and_says_why(tmp_path):
    dqn = {p.cell.environment.name: p for p in plan_cells(suite(**{"sb3-dqn": {}}), tmp_path)}
    assert (dqn["CartPole-v1"].refusal, dqn["CartPole-v1"].missing()) == ("", [0])
    assert "only supports (Discrete) as action spaces" in dqn["Pendulum-v1"].refusal
    assert (dqn["Pendulum-v1"].seeds, dqn["Pendulum-v1"].missing()) == ((), [])
    with pytest.raises(UsageError, match="sb3-dqn on Pendulum-v1 is not applicable"):
        run_cells([dqn["Pendulum-v1"]], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_its_class_is_none_that_the_audit_could_hold_to_a_gradient():
    from pgsuite.suites.audit.run import plan_audit

    with pytest.raises(UsageError, match="sb3-ppo"):
        plan_audit(["sb3-ppo"], [])
    assert load_class("sb3-ppo").one_by_one
