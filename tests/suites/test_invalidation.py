"""What invalidates a result: edits of the real source, and exactly which cells' fingerprints they change.

An edit names a line that some file begins a definition with, and a text from there on, so that it finds its place
wherever the definition lies.
"""

import ast
import re
import shutil
from pathlib import Path

import pytest

import pgsuite
from pgsuite import envs
from pgsuite.results.store import closure
from pgsuite.results.store.closure import Home, Program
from pgsuite.results.store.fingerprint import source_hash
from pgsuite.suites.planning import NOT_COMPUTING, plan_cells, source_roots
from pgsuite.suites.schema import parse_suite

FOLDERS = ("algorithms", "envs", "results", "suites")
ALGORITHMS = {"reinforce", "reinforce-baseline", "actor-critic", "trpo"}
CARTS = {"MountainCar-v0", "MountainCarContinuous-v0"}
CLASSIC = {"CartPole-v1", "Acrobot-v1", "Pendulum-v1"} | CARTS
PROBES = {"pgsuite/ProbeAction-v0", "pgsuite/ProbeContinuous-v0"}
POOLED = {"Hopper-v5"}
TABULAR = {"pgsuite/TwoState-v0"}
SUITE = {
    "name": "all",
    "description": "",
    "seeds": "0",
    "environments": {env: {"steps": 1000} for env in sorted(CLASSIC | PROBES | POOLED | TABULAR)},
    "algorithms": {name: {} for name in sorted(ALGORITHMS)},
}


class Tree:
    """A copy of the package's source that can be edited and put back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: dict[Path, str | None] = {}

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.py"))

    def where(self, anchor: str) -> Path:
        """The one file with a line that begins so."""
        found = [file for file in self.files() if re.search(f"^{re.escape(anchor)}", file.read_text(), re.MULTILINE)]
        assert len(found) == 1, f"{anchor!r} begins a line of {found}"
        return found[0]

    def write(self, file: Path, text: str | None) -> None:
        self.before.setdefault(file, file.read_text() if file.exists() else None)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)

    def edit(self, anchor: str, old: str, new: str) -> None:
        """Replace the first ``old`` from the line on that begins with ``anchor``; a decorator stands before it."""
        file = self.where(anchor)
        head, start, rest = file.read_text().partition(f"\n{anchor}")
        head, start, rest = ("", head, "") if not start else (head, start, rest)
        if old.startswith("@"):
            at = head.rindex(old)
            assert head[at:].count("\n") == old.count("\n"), f"{old!r} does not decorate {anchor!r}"
            self.write(file, head[:at] + new + head[at + len(old) :] + start + rest)
            return
        text = start + rest
        assert old in text, f"{old!r} does not follow {anchor!r} in {file.name}"
        self.write(file, head + text.replace(old, new, 1))

    def everywhere(self, pattern: str, new: str) -> None:
        edited = 0
        for file in self.files():
            text = file.read_text()
            changed, count = re.subn(pattern, new, text)
            edited += count
            if count:
                self.write(file, changed)
        assert edited, f"{pattern} is nowhere"

    def each(self, rewrite) -> None:
        for file in self.files():
            self.write(file, rewrite(file.read_text()))

    def restore(self) -> None:
        for file, text in self.before.items():
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self.before.clear()


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    root, copy = Path(pgsuite.__file__).parent, tmp_path_factory.mktemp("source") / "pgsuite"
    for file in [*root.glob("*.py"), *(f for folder in FOLDERS for f in (root / folder).rglob("*.py"))]:
        place = copy / file.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return Tree(copy)


@pytest.fixture
def tree(copied):
    yield copied
    copied.restore()


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Roots by cell, (algorithm, environment)."""
    planned = plan_cells(parse_suite(SUITE, "test"), tmp_path_factory.mktemp("out"))
    found = {}
    for p in planned:
        environment = p.cell.environment
        spec = envs.describe(environment.id, environment.backend, **environment.options)
        found[p.cell.algorithm, environment.id] = source_roots(p.cell, spec)
        assert p.record["source"] == source_hash(*source_roots(p.cell, spec), without=NOT_COMPUTING)
    return found


def hashes(tree, roots, not_computing=NOT_COMPUTING):
    program = Program(Home("pgsuite", tree.folder))
    without = program.excluded(not_computing)
    return {
        cell: program.digest([program.root(address) for address in addresses], without)
        for cell, addresses in roots.items()
    }


@pytest.fixture(scope="module")
def before(copied, roots):
    return hashes(copied, roots)


def changed(tree, roots, before, not_computing=NOT_COMPUTING):
    after = hashes(tree, roots, not_computing)
    return {cell for cell in before if after[cell] != before[cell]}


TRPO = {"trpo"}
BASELINE = {"reinforce-baseline"}
FITTED = TRPO | BASELINE
FROZEN = "@dataclass(frozen=True, kw_only=True)"
CHANGES = [
    # algorithms: constants, operators, defaults, decorators, order
    ("class TRPO(", "log_range(0.003, 0.05)] = 0.01", "log_range(0.003, 0.05)] = 0.02", TRPO, None),
    ("class NaturalGradient(", "surrogate, -gradient.policy", "surrogate, gradient.policy", TRPO, None),
    ("class TRPO(", FROZEN, "@dataclass(frozen=True, kw_only=False)", TRPO, None),
    ("class TRPO(", FROZEN, "@dataclass(kw_only=True)", TRPO, None),
    ("class NaturalGradient(", "has_critic: ClassVar[bool] = True", "has_critic: bool = True", TRPO, None),
    ("class NaturalGradient(", 'optimisers={"critic":', 'optimisers={"policy":', TRPO, None),
    ("def line_search(", "(kl <= along(max_kl, kl))", "(kl < along(max_kl, kl))", TRPO, None),
    ("def conjugate_gradient(", "residual - rate * image", "residual + rate * image", TRPO, None),
    ("class Solution(", "curvature: Tensor", "curve: Tensor", TRPO, None),
    ("class ActorCritic(", "* 0.5 * squared", "* 1.0 * squared", {"actor-critic"}, None),
    ("class ActorCritic(", "max_gradient_norm: Positive | None = 0.5", "max_gradient_norm: Positive | None = None",
     {"actor-critic"}, None),
    ("class Reinforce(", "/ self.num_envs", "* self.num_envs", {"reinforce"}, None),
    ("class ReinforceBaseline(", "returns - value", "returns + value", BASELINE, None),
    ("def fit_each(", "error / size", "error", FITTED, None),
    ("def return_rows(", "if done[row, t]", "if not done[row, t]", None, None),
    ("def advantage_row(", "delta += discount", "delta -= discount", None, None),
    ("EPSILON = 1e-8", "1e-8", "1e-7", None, None),
    ("def adam_number(", "np.sqrt(second)", "second", None, None),
    ("def tanh32(", "odd / even", "odd * even", None, None),
    ("def cotangent_each(", "start + rows", "start", None, None),
    ("TANH_LIMIT = ", "8.0", "7.0", None, None),
    ("def log_prob(", "log_total(logits)", "2 * log_total(logits)", None, None),
    ("def play_each(", "t += 1", "t += 2", None, None),
    ("FLAGS: ", '{"contract"}', '{"contract", "reassoc"}', None, None),
    ("def orthogonal(", "np.sign(", "np.abs(", None, None),
    ("class Moments(", "dtype=torch.float64", "dtype=torch.float32", None, None),
    ("OBSERVATION_LIMIT = 10.0", "10.0", "5.0", None, None),
    ("BLOCK = 128", "128", "256", None, None),
    ("    EVALUATION_ACTION = 4", "4", "1", None, None),
    ("class Rollout(", "terminated: Tensor", "ended: Tensor", None, None),
    # training and evaluation
    ("def _gumbel(", "-np.log(", "np.log(", None, None),
    ("STRETCH = 64", "64", "32", None, None),
    ("def add_rewards(", "+= reward", "-= reward", None, None),
    ("def environment_seeds(", ">> 1", ">> 2", None, None),
    ("class Cell:", "round(self.steps", "int(self.steps", None, None),
    ("class Evaluation:", "episodes: int = 10", "episodes: int = 20", None, None),
    ("def single_thread(", "set_num_threads(1)", "set_num_threads(2)", None, None),
    ("def single_thread(", "threadpool_limits(1)", "threadpool_limits(2)", None, None),
    ("class TrainingLoop:", "with single_thread():", "if True:", None, None),
    ("class _Training:", "Stream.ENVIRONMENT", "Stream.EVALUATION_ENVIRONMENT", None, None),
    ("class CurveRow(", "env_steps: int", "steps: int", None, None),
    # environments
    ("GRAVITY = 9.8\nPOLE", "9.8", "9.81", None, {"CartPole-v1"}),
    ("CARTPOLE = Task(", "time_limit=500", "time_limit=400", None, {"CartPole-v1"}),
    ("LINK_LENGTH = ", "LINK_LENGTH = ", "LINK_LENGTH = 2 * ", None, {"Acrobot-v1"}),
    ("MAX_TORQUE = 2.0", "2.0", "1.0", None, {"Pendulum-v1"}),
    ("CONTINUOUS_GOAL = 0.45", "0.45", "0.5", None, {"MountainCarContinuous-v0"}),
    ("MAX_SPEED = 0.07", "0.07", "0.08", None, CARTS),
    ("def restart(", "drawn[m] += 1", "drawn[m] += 2", None, None),
    ("class CompiledVectorEnv:", "low + (high - low)", "high + (high - low)", None, None),
    ("def generators(entropy", "np.random.PCG64(", "np.random.MT19937(", None, None),
    ("LEFT, RIGHT", "0xCA01F9DD", "0xCA01F9DF", None, None),
    ("def likelihood(kind", "total -=", "total +=", None, None),
    ("def descend_each(", "+= 1", "+= 2", BASELINE | {"reinforce", "actor-critic"}, None),
    ("def step_each(", "policy_steps[s] + 1", "policy_steps[s] + 2", {"actor-critic"}, None),
    ("def advance(", "elapsed[m] >=", "elapsed[m] >", None, None),
    ("class EnvPoolVectorEnv:", "num_threads=1", "num_threads=2", None, POOLED),
    ("class GymnasiumVectorEnv:", "action + self._first_action", "action", None, PROBES),
    ("class Probe(", "spaces.Discrete(2)", "spaces.Discrete(3)", None, PROBES),
    ("class ProbeAction(", "action == 1", "action == 0", None, {"pgsuite/ProbeAction-v0"}),
    ("def two_state(", "1.5, False", "1.6, False", None, TABULAR),
    ("class TabularVectorEnv:", "elapsed >=", "elapsed >", None, TABULAR),
]  # fmt: skip
NOTHING = [
    # words
    ("def generalised_advantage(", "Return ``A_t", "The advantage ``A_t"),
    ("def fit_critic(", "    network, critic =", "    # the critic's\n    network, critic ="),
    ("def fit_each(", "One pass", "A pass"),
    ("class PolicyGradient(", "is not joint: its critic is fitted apart", "has no critic's loss"),
    ("def import_modules(", "cannot be imported", "is nowhere"),
    ("def distribution_for(", "is not supported: use", "is beyond us: use"),
    ("def fault(env_id: str, what: str, seed", "mend the environment", "repair the environment"),
    ("class Model:", '"this model was built without a critic"', '"no critic"'),
    ("REPLACEMENT = ", "REPLACEMENT CHARACTER", "QUESTION MARK"),
    ("def in_one_line(", "{type(error).__name__}: {error}", "{error}"),
    # annotations
    ("def orthogonal(", "-> NDArray[np.float64]", "-> object"),
    ("def _gumbel(", "gumbel: Sampled =", "gumbel ="),
    ("class TRPO(", "max_kl: Annotated[Positive", "max_kl: Annotated[NonNegative"),
    ("class Rollout(", "terminated: Tensor", "terminated: 'Tensor'"),
    ("Share = ", "le=1", "le=2"),
    # what does not compute
    ("def keep_freed_memory(", "_GIBIBYTE", "2 * _GIBIBYTE"),
    ("_GIBIBYTE = ", "2**30", "2**29"),
    ("def peak_memory(", "* _KIBIBYTE", "* 1000"),
    ("def encode_curve(", "store_schema=False", "store_schema=True"),
    ("def decode_curve(", "page_checksum_verification=True", "page_checksum_verification=False"),
    ("def counting(", "bar_width=24", "bar_width=48"),
    ("class StoreSink:", '"peak_memory"', '"memory"'),
    ("class Sink(Protocol)", "def progress(", "def news(self) -> None: ...\n\n    def progress("),
    ("def validate(", "tuple(value) if", "list(value) if"),
    ("def check_action_space(", "if reason :=", "if reason := '' if env_id == 'None-v0' else"),
    # what chooses among others
    ("ALGORITHMS = {", '"trpo": ', '"other": "pgsuite.algorithms.ppo:PPO",\n    "trpo": '),
    ("TASKS: dict", '"CartPole-v1": CARTPOLE,', '"CartPole-v1": CARTPOLE, "Cart-v2": CARTPOLE,'),
    ("REGISTERED: dict", '"pgsuite/Chain-v0": chain,', '"pgsuite/Chain-v0": chain, "pgsuite/Link-v0": chain,'),
    ("FAITHFUL = ", '"Hopper-v5",', '"Hopper-v5", "Humanoid-v5",'),
    ("def chosen_backend(", "if kwargs:", "if kwargs and True:"),
    # neighbours of what is hashed
    ("def line_search(", "def line_search(", "def unrelated() -> int:\n    return 2\n\n\ndef line_search("),
    ("GRAVITY = 9.8\nPOLE", "GRAVITY", "UNUSED = 3\nGRAVITY"),
    ("class Stream(", "class Stream(", "if __name__ == '__main__':\n    print(generator(0))\n\n\nclass Stream("),
    ("    from .actor_critic import ActorCritic", "ActorCritic as ActorCritic", "Other as ActorCritic"),
    ("def orthogonal(", "def ", "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    orthogonal = 1\n\n\ndef "),
]  # fmt: skip


def edit_id(case):
    return f"{case[0].strip()} {case[1]}"[:60]


@pytest.mark.parametrize("case", CHANGES, ids=edit_id)
def test_an_edit_that_changes_numbers_invalidates_exactly_its_cells(case, tree, roots, before):
    anchor, old, new, algorithms, environments = case
    tree.edit(anchor, old, new)
    expected = {
        (algorithm, env)
        for algorithm, env in before
        if (algorithms is None or algorithm in algorithms) and (environments is None or env in environments)
    }
    assert expected
    assert changed(tree, roots, before) == expected


@pytest.mark.parametrize("case", NOTHING, ids=edit_id)
def test_an_edit_that_changes_no_number_invalidates_nothing(case, tree, roots, before):
    tree.edit(*case)
    assert changed(tree, roots, before) == set()


def test_swapping_two_imported_functions_is_seen(tree, roots, before):
    file = tree.where("class NaturalGradient(")
    imported = "conjugate_gradient, full_step"
    assert imported in file.read_text()
    swapped = "conjugate_gradient as full_step, full_step as conjugate_gradient"
    tree.write(file, file.read_text().replace(imported, swapped))
    assert {algorithm for algorithm, _ in changed(tree, roots, before)} == TRPO


def test_swapping_two_fields_is_seen(tree, roots, before):
    file = tree.where("class Samples(")
    text = file.read_text()
    fields = [name for name in ("weight", "value_target") if f"    {name}: Tensor\n" in text]
    assert len(fields) == 2
    field = r"    (weight|value_target): Tensor\n"
    swapped = re.sub(field, lambda m: f"    {({*fields} - {m[1]}).pop()}: Tensor\n", text)
    tree.write(file, swapped)
    assert changed(tree, roots, before) == set(before)


def test_a_replaced_definition_is_seen(tree, roots, before):
    file = tree.where("def full_step(")
    tree.write(file, file.read_text() + "\n\nfull_step = conjugate_gradient\n")
    assert {algorithm for algorithm, _ in changed(tree, roots, before)} == TRPO


def test_a_statement_with_an_effect_is_seen(tree, roots, before):
    file = tree.where("def fit_critic(")
    tree.write(file, file.read_text() + "\nnp.seterr(all='raise')\n")
    assert {algorithm for algorithm, _ in changed(tree, roots, before)} == FITTED


def test_comments_and_layout_do_not_count(tree, roots, before):
    tree.each(lambda text: ast.unparse(ast.parse(text)))
    assert changed(tree, roots, before) == set()


def test_docstrings_do_not_count(tree, roots, before):
    def without_docstrings(text):
        module = ast.parse(text)
        for node in ast.walk(module):
            for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    statement.value = ast.Constant("Other words.")
        return ast.unparse(module)

    tree.each(without_docstrings)
    assert "Other words." in tree.where("class TRPO(").read_text()
    assert changed(tree, roots, before) == set()


def test_annotations_of_functions_do_not_count(tree, roots, before):
    class Bare(ast.NodeTransformer):
        def visit_arg(self, node):
            named = ast.unparse(node.annotation) if node.annotation else ""
            node.annotation = ast.Name("object") if named in {"float", "int", "Tensor", "str"} else node.annotation
            return node

    tree.each(lambda text: ast.unparse(Bare().visit(ast.parse(text))))
    assert "reward: object" in tree.where("def generalised_advantage(").read_text()
    assert changed(tree, roots, before) == set()


def test_the_order_of_imports_does_not_count(tree, roots, before):
    def reversed_imports(text):
        module = ast.parse(text)
        at = [n for n, s in enumerate(module.body) if isinstance(s, ast.Import | ast.ImportFrom)]
        for n, statement in zip(at, [module.body[n] for n in reversed(at)], strict=True):
            statement.names.reverse()
            module.body[n] = statement
        return ast.unparse(module)

    tree.each(reversed_imports)
    assert changed(tree, roots, before) == set()


def test_the_order_of_definitions_does_not_count(tree, roots, before):
    for anchor in ("def line_search(", "def weighing(", "class Collector:", "def _gumbel("):
        file = tree.where(anchor)
        module = ast.parse(file.read_text())
        at = [n for n, s in enumerate(module.body) if isinstance(s, ast.FunctionDef | ast.ClassDef)]
        for n, statement in zip(at, [module.body[n] for n in reversed(at)], strict=True):
            module.body[n] = statement
        tree.write(file, ast.unparse(module))
    assert changed(tree, roots, before) == set()


def test_an_alias_of_an_import_does_not_count(tree, roots, before):
    file = tree.where("class NaturalGradient(")
    text = file.read_text()
    assert text.count("fit_critic") == 2
    text = text.replace("import fit_critic", "import fit_critic as fitted").replace("= fit_critic(", "= fitted(")
    tree.write(file, re.sub(r"\btorch\.cat", "th.cat", text.replace("import torch\n", "import torch as th\n")))
    assert changed(tree, roots, before) == set()


@pytest.mark.parametrize("name", ["Weighing", "Surrogate", "evaluation_noise", "advantage_row", "CARTPOLE", "BLOCK"])
def test_a_name_changed_everywhere_does_not_count(name, tree, roots, before):
    tree.everywhere(rf"\b{name}\b", "renamed_for_the_test")
    assert changed(tree, roots, before) == set()


@pytest.mark.parametrize("anchor", ["def line_search(", "def weighing(", "class Collector:"])
def test_a_renamed_module_does_not_count(anchor, tree, roots, before):
    file = tree.where(anchor)
    tree.everywhere(rf"(?<=[. ]){file.stem}(?= import )", "renamed_module")
    tree.write(file.with_name("renamed_module.py"), file.read_text())
    tree.write(file, None)
    renamed = [address.replace(f".{file.stem}:", ".renamed_module:") for address in NOT_COMPUTING]
    assert changed(tree, roots, before, renamed) == set()


@pytest.mark.parametrize("anchor", ["def full_step(", "def policy_change(", "class Surrogate:", "class Runs("])
def test_a_definition_moved_to_another_module_does_not_count(anchor, tree, roots, before):
    file, name = tree.where(anchor), re.findall(r"\w+", anchor)[1]
    module = ast.parse(file.read_text())
    (moved,) = (node for node in module.body if getattr(node, "name", None) == name)
    imports = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = [getattr(node, "name", None) or ast.unparse(node).split()[0].rstrip(":") for node in module.body]
    read = {node.id for node in ast.walk(moved) if isinstance(node, ast.Name)} & {*bound}
    back = [ast.ImportFrom(file.stem, [ast.alias(own) for own in sorted(read)], 1)] if read else []
    module.body.remove(moved)
    tree.write(file, ast.unparse(module))
    tree.write(file.with_name("moved_to.py"), ast.unparse(ast.Module([*imports, *back, moved], [])))
    importers = 0
    for importer in {*file.parent.glob("*.py")} - {file.with_name("moved_to.py")}:
        importing = ast.parse(importer.read_text())
        for node in importing.body:
            names = [alias.name for alias in getattr(node, "names", [])]
            if isinstance(node, ast.ImportFrom) and (node.level, node.module) == (1, file.stem) and name in names:
                importers += 1
                node.names = [alias for alias in node.names if alias.name != name] or [ast.alias("__doc__")]
                importing.body.append(ast.ImportFrom("moved_to", [ast.alias(name)], 1))
                tree.write(importer, ast.unparse(importing))
    assert importers
    assert changed(tree, roots, before) == set()


def test_a_new_file_does_not_count(tree, roots, before):
    tree.write(tree.where("class TRPO(").with_name("new.py"), "from .trpo import TRPO\n\nTRPO.max_kl = 3\n")
    assert changed(tree, roots, before) == set()


def test_a_shortcut_of_imports_does_not_count(tree, roots, before):
    """The same names by way of another module's imports, one of which imports everything."""
    file = tree.where("class TRPO(")
    text = file.read_text()
    lines = re.findall(r"(?m)^from \.(?:blocks|critic|trust_region) import .*$", text)
    assert lines
    tree.write(file.with_name("all_of_it.py"), "\n".join(lines) + "\n")
    for line in lines:
        text = text.replace(line + "\n", "")
    tree.write(
        file, text.replace("\nfrom torch import Tensor\n", "\nfrom torch import Tensor\nfrom .all_of_it import *\n")
    )
    assert changed(tree, roots, before) == set()


def test_what_does_not_compute_must_exist(tree, roots):
    tree.everywhere(r"\bkeep_freed_memory\b", "keep_memory")
    with pytest.raises(LookupError, match=r"process:keep_freed_memory does not exist"):
        hashes(tree, roots)


def test_a_cells_fingerprint_follows_its_source(tree, tmp_path, monkeypatch):
    def fingerprints():
        return {(p.cell.algorithm, p.cell.environment.id): p.cell.fingerprint for p in plan_cells(suite, tmp_path)}

    suite = parse_suite({**SUITE, "environments": {"CartPole-v1": {"steps": 100}}}, "test")
    monkeypatch.setattr(closure, "PACKAGE", Home("pgsuite", tree.folder))
    first = fingerprints()
    tree.edit("def line_search(", "Backtrack", "Go back")
    assert fingerprints() == first
    tree.edit("def line_search(", "fraction = fraction * shrink", "fraction /= shrink")
    second = fingerprints()
    assert {cell for cell in first if second[cell] != first[cell]} == {("trpo", "CartPole-v1")}


@pytest.fixture(scope="module")
def beside_peers(tmp_path_factory):
    """Roots of an algorithm of ours and of two of another library."""
    pytest.importorskip("sb3_contrib")
    algorithms = {"actor-critic": {}, "sb3-a2c": {}, "sb3-trpo": {}}
    suite = SUITE | {"environments": {"CartPole-v1": {"steps": 1000}}, "algorithms": algorithms}
    planned = plan_cells(parse_suite(suite, "test"), tmp_path_factory.mktemp("out"))
    return {p.cell.algorithm: source_roots(p.cell, envs.describe("CartPole-v1", "auto")) for p in planned}


@pytest.mark.parametrize(
    ("anchor", "old", "new", "invalid"),
    [
        ("class SuiteVecEnv(", "step.reward.astype", "2 * step.reward.astype", {"sb3-a2c", "sb3-trpo"}),
        ("class CheckpointCallback(", "self._collected - 1", "self._collected", {"sb3-a2c", "sb3-trpo"}),
        ("class PolicyActor:", "set_training_mode(False)", "set_training_mode(True)", {"sb3-a2c", "sb3-trpo"}),
        ("A2C = ", "stable_baselines3.A2C", "stable_baselines3.PPO", {"sb3-a2c"}),
        ("class TrainingLoop:", "with single_thread():", "if True:", {"actor-critic"}),
        (
            "class ActorCritic(",
            "num_steps: Annotated[Count, choices(8, 16, 32)] = 16",
            "num_steps: Annotated[Count, choices(8, 16, 32)] = 15",
            {"actor-critic"},
        ),
        ("def evaluate(", "Episodes(count)", "Episodes(count, group=1)", {"actor-critic", "sb3-a2c", "sb3-trpo"}),
        ("class ResultsCallback(", "super().__init__(cell.grid)", "super().__init__([])", set()),
        ("def policy_module(", "torch.float32", "torch.float64", set()),
        ("def mode_of(", "_Coins()", "_Choices()", set()),
        ("def check(owner", "takes {wanted}", "wants {wanted}", set()),
    ],
)
def test_an_edit_around_another_library_invalidates_what_it_touches(anchor, old, new, invalid, tree, beside_peers):
    before = hashes(tree, beside_peers)
    tree.edit(anchor, old, new)
    after = hashes(tree, beside_peers)
    assert {name for name in before if before[name] != after[name]} == invalid
