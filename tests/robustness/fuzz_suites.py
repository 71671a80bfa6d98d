"""Suite files damaged at random, read as every command reads them.

What must hold: a mutant is refused in one line (a `UsageError` that names the file), or is a suite that means what its
TOML says; nothing raises anything else, and nothing hangs.
"""

import argparse
import random
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import ABSURD, FAULTS, damage_bytes, fuzz, write_table

from pgsuite.algorithms.registry import build
from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.suites.files import shipped
from pgsuite.suites.schema import Suite, check_names, load_suite, parse_suite

DOCS = Path(__file__).parents[2] / "docs" / "robustness"
OWN = """
name = "own"
description = "every kind of key"
seeds = "0-4,7"
modules = []
[evaluation]
checkpoints = 4
episodes = 3
deterministic = true
[check]
margin = 0.2
[[check.waivers]]
cell = "trpo on Pendulum-v1"
reason = "known"
until = 2030-01-01
[environments."Pendulum-v1"]
steps = 50_000
backend = "gymnasium"
options = { g = 9.0, max_episode_steps = 100 }
[environments."CartPole-v1"]
steps = 1000
[algorithms.trpo]
max_kl = 0.02
[algorithms.mine]
class = "actor-critic"
learning_rate = 1e-3
[algorithms.mine.environments."CartPole-v1"]
num_steps = 4
"""
WORDS = (
    *(
        "=",
        "[",
        "]]",
        '"',
        "'''",
        "#",
        "\n",
        "seeds",
        "seed",
        "steps",
        "step",
        "class",
        "kwargs",
        "nan",
        "-inf",
        "true",
    ),
    *(
        "0-9",
        "9-0",
        "0-99999999999",
        "1_0",
        "-1",
        "1e999",
        "9" * 400,
        "[" * 500,
        "{" * 500,
        "\x00",
        "\ufeff",
        "é",
        "\u202e",
    ),
)


def words(content: bytes, rng: random.Random) -> bytes:
    """A word of TOML or of suites stands somewhere, or in place of another; or a line moves."""
    text = content.decode()
    if rng.random() < 0.3:
        lines = text.splitlines(keepends=True)
        line = lines.pop(rng.randrange(len(lines)))
        for _ in range(rng.choice((0, 1, 2))):
            lines.insert(rng.randrange(len(lines) + 1), line)
        return "".join(lines).encode()
    start, word = rng.randrange(len(text)), rng.choice(WORDS)
    return (text[:start] + word + text[start + rng.choice((0, 1, len(word), 12)) :]).encode(errors="surrogatepass")


def values(tree: Any, rng: random.Random) -> Any:
    """A table with one value that nobody expects."""
    found = [(tree, key) for key in tree] if isinstance(tree, dict) else []
    while True:
        table, key = rng.choice(found)
        below = table[key]
        if not isinstance(below, dict) or not below or rng.random() < 0.3:
            break
        found = [(below, inner) for inner in below]
    changed: dict[Any, Any] = dict(table)
    changed[rng.choice((key, key, f"{key}x"))] = rng.choice(ABSURD)
    table.clear()
    table.update(changed)
    return tree


def means(suite: Suite, data: Mapping[str, Any]) -> bool:
    """Whether a suite has the numbers that its file has."""
    evaluation = data.get("evaluation", {})
    return (
        all(suite.environments[name].steps == table["steps"] for name, table in data["environments"].items())
        and set(suite.algorithms) == set(data["algorithms"])
        and all(getattr(suite.evaluation, name) == value for name, value in evaluation.items())
        and all(table.steps >= 1 for table in suite.environments.values())
        and len(set(suite.seeds)) == len(suite.seeds)
        and all(seed >= 0 for seed in suite.seeds)
    )


def judged(read: Callable[[], Suite], data: Callable[[], Mapping[str, Any]]) -> str:
    """What comes of a suite: read, and its algorithms built where it can be read."""
    try:
        suite = read()
    except UsageError as error:
        return named(error, "suite.toml")
    try:
        check_names(suite)
        for name in suite.algorithms:
            for env in suite.environments:
                build(suite.algorithms[name].reference or name, suite.options(name, env))
    except PgsuiteError as error:
        return named(error)
    return "unnoticed, nothing changed" if means(suite, data()) else "wrong number"


def named(error: PgsuiteError, text: str = "") -> str:
    """Whether an error is one line of a length that somebody reads, and names what it is about."""
    line = str(error)
    return "named" if text in line and "\n" not in line and len(line) < 2000 else "traceback"


def kinds(place: Path) -> dict[str, Any]:
    """How suite files are damaged, by name."""
    file = place / "suite.toml"
    build("trpo", {})  # loads torch, which is no part of a case
    sources = [OWN.encode(), *(path.read_bytes() for path in shipped().values())]

    def of_file(content: bytes) -> str:
        file.write_bytes(content)
        return judged(lambda: load_suite(str(file)), lambda: tomllib.loads(content.decode()))

    def bits(rng: random.Random) -> str:
        return of_file(damage_bytes(rng.choice(sources), rng))

    def tokens(rng: random.Random) -> str:
        content = rng.choice(sources)
        for _ in range(rng.choice((1, 1, 2, 4))):
            content = words(content, rng)
        return of_file(content)

    def tables(rng: random.Random) -> str:
        data = values(tomllib.loads(rng.choice(sources).decode()), rng)
        return judged(lambda: parse_suite(data, "suite.toml"), lambda: data)

    return {"suite, bytes": bits, "suite, words and lines": tokens, "suite, values": tables}


TEXT = """\
`python tests/robustness/fuzz_suites.py --cases {cases} --seed {seed}`: the shipped suites and one with every kind of
key are damaged and read, and their algorithms built, as commands do. Bytes flip, are cut, inserted and overwritten;
words of TOML stand where they do not belong, lines move; values are of another type, absurd, or under a key that is
none. *Unnoticed* is what is still a suite: it then has the numbers that its file has."""


def main() -> None:
    """Run the cases and write the table; exit code 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        several = kinds(Path(folder))
        each = -(-options.cases // len(several))
        found = {name: fuzz(name, case, each, options.seed) for name, case in several.items()}
    text = TEXT.format(cases=options.cases, seed=options.seed)
    write_table(options.docs / "fuzz-suites.md", "Suite files damaged at random", text, found)
    sys.exit(any(counts[fault] for counts in found.values() for fault in FAULTS))


if __name__ == "__main__":
    main()
