"""What RLOO, Dr. GRPO and GRPO make of easy, hard and long prompts, measured by the audit's means beside exact numbers.

    python docs/groups/normalisations.py         # a minute; writes normalisations.csv, .svg and .png beside this file

Left: questions that a policy answers rightly with probability p, each answer one step long. Right: three answers to one
question, of which one is right and one is long.
"""

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator
from scipy.stats import binom

from pgsuite.algorithms.registry import build
from pgsuite.envs.exact.tabular import from_outcomes
from pgsuite.reports.figures.drawing import MUTED, Drawing, save, theme
from pgsuite.reports.figures.layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows, put_titles
from pgsuite.reports.figures.series import line_options
from pgsuite.reports.figures.style import LineStyle
from pgsuite.suites.audit.cases import collect, random_of
from pgsuite.suites.audit.models import MODELS, AuditModel
from pgsuite.suites.audit.subjects import Variant, many, start_state, subject
from pgsuite.suites.process import single_thread

HERE = Path(__file__).parent
VARIANTS = {
    "RLOO": ("rloo", {}),
    "Dr. GRPO": ("grpo", {"normalise_by_deviation": False, "normalise_by_length": False}),
    "GRPO, deviation": ("grpo", {"normalise_by_length": False}),
    "GRPO, length": ("grpo", {"normalise_by_deviation": False}),
    "GRPO, both": ("grpo", {}),
}
STYLES = {
    "RLOO": LineStyle("#0072B2", (), "o"),
    "Dr. GRPO": LineStyle("#009E73", (5.0, 1.5), "D"),
    "GRPO, deviation": LineStyle("#C84B32", (), "^"),
    "GRPO, length": LineStyle("#CC79A7", (1.0, 1.2), "s"),
    "GRPO, both": LineStyle("#7D4BFA", (5.0, 1.5, 1.0, 1.5), "v"),
}
RIGHT = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
"""Success probabilities of the model's prompts under the uniform policy."""
ANSWERS = {"right, 2 steps": (0.2, 1.0, 2), "wrong, 2 steps": (0.4, 0.0, 2), "wrong, 20 steps": (0.4, 0.0, 20)}
"""Probability, return and length of the three answers."""
TRUE = np.array([0.16, -0.08, -0.08])
"""The gradient of the return in their logits, ``π (R - Σ π R)``."""
PROMPT_GROUP, ANSWER_GROUP = 16, 4
ONE_STEP = ("RLOO", "Dr. GRPO", "GRPO, deviation")
"""What differs where all answers have one step."""


class Question(AuditModel):
    """Five answers, each as likely: a right one, two wrong ones of two steps and two wrong ones of twenty.

    The answer is chosen in the first step and judged there; the other steps only take time.
    """

    @property
    def process(self):
        """What is sampled."""
        longest = max(length for _, _, length in ANSWERS.values())
        table = {0: {}}
        for answer, (_, reward, length) in enumerate(np.repeat(list(ANSWERS.values()), (1, 2, 2), axis=0)):
            table[0][answer] = [(1.0, int(length) - 1, reward, False)]
        for left in range(1, longest):
            table[left] = {answer: [(1.0, max(left - 1, 0), 0.0, left == 1)] for answer in range(5)}
        return from_outcomes(table, np.eye(longest)[0], None)


def slopes(model, name, group, batches, seed=0):
    """Gradients ``(batches, states, actions)`` of a variant in the logits of a uniform policy."""
    reference, options = VARIANTS[name]
    size = {"num_envs": group * (96 // group), "group_size": group, "dtype": "float64"}
    algorithm = build(reference, {**size, "hidden": (), "discount": model.discount, **options})
    state = start_state(algorithm, model)
    given = subject(Variant(name=name, algorithm=algorithm, critic="none"), state, model, "uniform")
    rollout = collect(given, model, batches, random_of(seed, model.name, name))
    gradient, _ = algorithm.gradient(many(given.state, batches), rollout)
    states, actions = given.question.outputs.shape
    return -gradient.policy.numpy()[:, : states * actions].reshape(batches, states, actions)


def measured(batches):
    """Rows of what the algorithms' own gradients come to, with standard errors."""
    rows = []
    prompts, question = MODELS["prompts"], Question("question", "", 0.9, 0, 0, 0)
    right = np.arange(20) < np.round(20 * RIGHT)[:, None]
    true = (right - RIGHT[:, None]) / 20 / len(RIGHT)
    for name in ONE_STEP:
        factors = (slopes(prompts, name, PROMPT_GROUP, batches) * true).sum(2) / (true**2).sum(1)
        rows += [("prompts", name, f"p = {p:g}", *mean_and_error(f)) for p, f in zip(RIGHT, factors.T, strict=True)]
    for name in VARIANTS:
        logits = np.add.reduceat(slopes(question, name, ANSWER_GROUP, batches)[:, 0], [0, 1, 3], axis=1)
        rows += [("answers", name, answer, *mean_and_error(x)) for answer, x in zip(ANSWERS, logits.T, strict=True)]
    table = pd.DataFrame(rows, columns=["panel", "variant", "prompt", "measured", "standard_error"])
    return table.assign(exact=exact(table))


def mean_and_error(x):
    """Mean and its standard error."""
    return x.mean(), x.std(ddof=1) / np.sqrt(len(x))


def exact(table):
    """The same without sampling."""
    factors = {f"p = {p:g}": {name: factor(name, p, PROMPT_GROUP) for name in ONE_STEP} for p in RIGHT}
    gradients = {name: dict(zip(ANSWERS, gradient(name, ANSWER_GROUP), strict=True)) for name in VARIANTS}
    return [
        factors[prompt][name] if panel == "prompts" else gradients[name][prompt]
        for panel, name, prompt in table[["panel", "variant", "prompt"]].itertuples(index=False)
    ]


def factor(name, chance, group):
    """What the gradient of a question with answers of one step is multiplied by.

    With k of G answers right, the sum over the group of advantage × (right or not) is G times the variance of the
    group's returns, ``k/G (1 - k/G)``, over their deviation where that divides.
    """
    right = np.arange(group + 1) / group
    spread = right * (1 - right)
    spread = np.sqrt(spread) if name == "GRPO, deviation" else spread
    mean = binom.pmf(np.arange(group + 1), group, chance) @ spread / (chance * (1 - chance))
    return mean * group / (group - 1) if name == "RLOO" else mean


def gradient(name, group):
    """The mean over all groups of answers, each with its probability, of the gradient in the answers' logits."""
    chance, reward, length = np.array(list(ANSWERS.values())).T
    total = np.zeros(len(chance))
    for answers in map(list, product(range(len(chance)), repeat=group)):
        advantage = reward[answers] - reward[answers].mean()
        if name == "RLOO":
            advantage *= group / (group - 1)
        if name in ("GRPO, deviation", "GRPO, both"):
            advantage = advantage / (reward[answers].std() or 1.0)
        if name in ("GRPO, length", "GRPO, both"):
            advantage /= length[answers]
        total += chance[answers].prod() * (advantage[:, None] * (np.eye(len(chance))[answers] - chance)).mean(0)
    return total


def picture(table):
    """Both panels."""
    name, width = "normalisations", PAGE / 2 + 40.0
    with theme():
        rows = key_rows(STYLES, 2 * width)
        figure, (left, right) = canvas(
            Grid(2, 2, width, 216.0), Margins(46.0, 12.0, 24.0, 36.0), below=key_height(rows)
        )
        draw_factors(left, table[table["panel"] == "prompts"])
        draw_answers(right, table[table["panel"] == "answers"])
        draw_key(figure, name, rows, STYLES)
    return Drawing(name, "Group weights", __doc__, "The table of docs/groups/README.md.", figure, {})


def draw_factors(axes, table):
    """What the gradient of a prompt is multiplied by, over its success probability."""
    p = np.linspace(0.05, 0.95, 181)
    axes.plot(p, 1 / np.sqrt(p * (1 - p)), color="#808080", linewidth=1.0, linestyle=(0, (2.0, 2.0)))
    axes.annotate("1 / sd(p)", (0.16, 2.95), color=MUTED, fontsize=8)
    for name in ONE_STEP:
        points, look = table[table["variant"] == name], line_options(STYLES[name])
        curve = np.array([factor(name, chance, PROMPT_GROUP) for chance in p])
        axes.plot(p, curve, **look | {"marker": "", "linewidth": 1.2})
        dots = look | {"linestyle": "none", "elinewidth": 1.0, "markersize": 4.0}
        axes.errorbar(RIGHT, points["measured"], 2 * points["standard_error"], **dots)
    axes.set(xlim=(0, 1), yscale="log", xlabel="success probability p of the prompt", ylim=(0.75, 5.2))
    axes.set_yticks([0.8, 1, 1.5, 2, 3, 4, 5], ["0.8", "1", "1.5", "2", "3", "4", "5"])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("factor on the gradient")
    put_titles(axes, "Hard and easy", f"G = {PROMPT_GROUP}")


def draw_answers(axes, table):
    """The mean gradient in the logits of three answers, beside the true one."""
    axes.axhline(0, color=MUTED, linewidth=0.8)
    place = np.linspace(-0.3, 0.3, len(VARIANTS))
    for x, (answer, true) in enumerate(zip(ANSWERS, TRUE, strict=True)):
        axes.plot([x - 0.4, x + 0.4], [true, true], color="#808080", linewidth=4.0, alpha=0.45, solid_capstyle="butt")
        for off, (name, style) in zip(place, STYLES.items(), strict=True):
            (row,) = table[(table["variant"] == name) & (table["prompt"] == answer)].itertuples()
            stem = partial(axes.plot, color=style.colour, linewidth=1.2)
            stem([x + off, x + off], [0, row.exact])
            dot = line_options(style) | {"linestyle": "none", "elinewidth": 1.0}
            axes.errorbar(x + off, row.measured, 2 * row.standard_error, **dot)
    axes.annotate("true", (0.42, TRUE[0] - 0.004), color=MUTED, fontsize=8)
    axes.set_xticks(range(len(ANSWERS)), ["right\n2 steps", "wrong\n2 steps", "wrong\n20 steps"])
    axes.grid(visible=False, axis="x")
    axes.set(xlim=(-0.5, 2.5), ylabel="gradient in the answer's logit")
    put_titles(axes, "Short and long", f"G = {ANSWER_GROUP}")


if __name__ == "__main__":
    with single_thread():
        table = measured(4000)
    table.to_csv(HERE / "normalisations.csv", index=False, float_format="%.6f")
    save(picture(table), HERE, ["svg", "png"])
    print(table.round(4).to_string(index=False))
