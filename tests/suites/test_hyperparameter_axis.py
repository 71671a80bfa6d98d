"""Settings that train as one program have the bits that each has alone, whatever numbers they differ in."""

from dataclasses import fields, replace

import pytest
import torch

from pgsuite.algorithms.axis import along, form, is_zero, stack, within
from pgsuite.algorithms.registry import ALGORITHMS, build, is_algorithm
from pgsuite.suites.training import Part, TrainingLoop

USED = {
    "reinforce": {"state_weighting": "discounted"},
    "reinforce-baseline": {"state_weighting": "discounted"},
    "actor-critic": {"entropy_weight": 0.01, "learning_rate_decay": "linear"},
    "ppo": {"entropy_weight": 0.01, "value_clip_range": 0.3, "target_kl": 0.02},
    "profiled": {"accept": "non-inferior", "episodes": 2},
}
"""Options by which every number of an algorithm has something to do."""


def numbers(algorithm) -> dict[str, float]:
    """All that the axis goes along, those of an inner algorithm with a dot in their names."""
    found = {}
    for one in fields(algorithm):
        value = getattr(algorithm, one.name)
        if isinstance(value, float):
            found[one.name] = value
        elif is_algorithm(value):
            found |= {f"{one.name}.{name}": number for name, number in numbers(value).items()}
    return found


def changed(cell, name, value):
    own, dot, inner = name.partition(".")
    options = {**cell.options, own: {**cell.options.get(own, {}), inner: value} if dot else value}
    return replace(cell, options=options, algorithm=f"{cell.algorithm} with {name}")


def test_every_number_of_every_algorithm_is_tried_with_another_value(small_cell):
    """Zeros are left out, being a matter of form; the options above leave few."""
    zeros = {
        name: sorted(key for key, value in numbers(built(small_cell(name, **USED.get(name, {})))).items() if not value)
        for name in ALGORITHMS
    }
    assert {key for keys in zeros.values() for key in keys} == {"initial_log_std", "base.initial_log_std"}


def built(cell):
    return build(cell.reference, dict(cell.options))


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_setting_among_others_has_the_bits_that_it_has_alone(algorithm, env, small_cell, train, memory):
    common = {"normalise_observations": True, "scale_rewards": True, **USED.get(algorithm, {})}
    base = small_cell(algorithm, env, **common, steps=400, checkpoints=2)
    varied = {name: value for name, value in numbers(built(base)).items() if value}
    cells = [base, *(changed(base, name, 0.83 * value) for name, value in varied.items())]
    for name, value in varied.items():  # and one in which all differ
        cells.append(changed(cells[-1] if name != next(iter(varied)) else base, name, 0.91 * value))
    cells = [*cells[: 1 + len(varied)], cells[-1]]
    assert len({form(built(cell)) for cell in cells}) == 1
    parts = [Part(cell, [n % 3, 7] if n % 2 else [5], memory()) for n, cell in enumerate(cells)]
    TrainingLoop().train_together(parts)
    seen = set()
    for part in parts:
        alone = train(part.cell, part.seeds)
        for seed in part.seeds:
            assert part.sink.bits(seed) == alone.bits(seed), part.cell.algorithm
        seen.add(part.sink.tensors[part.seeds[-1]]["state.policy"].tobytes())
    assert len(seen) > len(cells) / 2  # the numbers do make a difference


def test_one_that_is_interrupted_together_goes_on_alone(small_cell, train, memory):
    cells = [small_cell("actor-critic", learning_rate=rate) for rate in (0.001, 0.01)]
    cut = [memory(stop_after=4), memory()]
    with pytest.raises(KeyboardInterrupt):
        TrainingLoop().train_together([Part(cell, [3, 7], sink) for cell, sink in zip(cells, cut, strict=True)])
    for cell, sink in zip(cells, cut, strict=True):
        sink.stop_after = None
        resumed = train(cell, [3, 7], sink)
        assert [resumed.bits(seed) for seed in (3, 7)] == [train(cell, [3, 7]).bits(seed) for seed in (3, 7)]


def test_what_decides_the_computation_is_a_matter_of_form():
    one = build("ppo", {"learning_rate": 0.1, "entropy_weight": 0.1})
    assert form(one) == form(build("ppo", {"learning_rate": 0.2, "entropy_weight": 0.3}))
    others = [
        {"epochs": 3},
        {"hidden": [8]},
        {"learning_rate_decay": "linear"},
        {"entropy_weight": 0.0},
        {"target_kl": 0.1},
        {"max_gradient_norm": None},
    ]
    for options in others:
        assert form(build("ppo", {"learning_rate": 0.1, "entropy_weight": 0.1, **options})) != form(one)
    inner = [build("profiled", {"base": {"class": "ppo", "epochs": epochs}}) for epochs in (1, 2)]
    assert form(inner[0]) != form(inner[1])


def test_a_class_from_elsewhere_stays_alone(tmp_path):
    (tmp_path / "mine.py").write_text("from pgsuite.algorithms import PPO\nclass Mine(PPO):\n    pass\n")
    mine = f"{tmp_path / 'mine.py'}:Mine"
    assert form(build(mine, {})) is None
    assert form(build("profiled", {"base": {"class": mine}})) is None


def test_a_stack_has_a_number_for_each_seed_where_they_differ():
    rates = [0.1, 0.1, 0.3]
    stacked = stack([build("profiled", {"mix": 0.5, "base": {"learning_rate": rate}}) for rate in rates])
    assert stacked.mix == 0.5
    assert torch.equal(stacked.base.learning_rate, torch.tensor(rates, dtype=torch.float64))
    assert stacked.base.num_envs == 8
    alone = build("trpo", {})
    assert stack([alone, alone]) is alone


def test_a_number_goes_along_the_seeds_in_the_precision_of_its_partner():
    like = torch.ones(2, 3, 4)
    assert along(0.1, like) == 0.1
    found = along(torch.tensor([0.1, 0.2], dtype=torch.float64), like)
    assert isinstance(found, torch.Tensor)
    assert (found.shape, found.dtype) == ((2, 1, 1), torch.float32)
    x = torch.tensor([[-2.0, 2.0], [-2.0, 2.0]])
    assert within(x, -1.0, 1.0).tolist() == [[-1, 1], [-1, 1]]
    assert within(x, torch.tensor([-1.0, -0.5]), torch.tensor([1.0, 9.0])).tolist() == [[-1, 1], [-0.5, 2]]
    assert is_zero(0.0)
    assert is_zero(torch.zeros(2))
    assert not is_zero(torch.ones(2))
