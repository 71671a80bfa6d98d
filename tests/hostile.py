"""Names that try to become something else where they are written."""

import string

from hypothesis import strategies

SCRIPT = "<script>window.hacked=1</script>"
NAMES = (
    SCRIPT,
    '"><img src=x onerror="window.hacked=2">',
    "</style><style>body{display:none}</style>",
    "</script><svg onload=window.hacked=3>",
    "{{7*7}}{% raw %}${7*7}",
    "javascript:window.hacked=4",
    "<!--",
    "]]></title></desc></svg><iframe srcdoc='<script>parent.hacked=5</script>'>",
    '=HYPERLINK("http://x.invalid")',
    "[a](http://x.invalid) ![b](http://x.invalid/b.png) | `c` *d* @e #1",
    r"\input{/etc/passwd} $x^2$ \end{tabular} % & _ ~ #",
    "\x1b[2J\x07\u202egnirts",
)


PIECES = (
    *NAMES,
    *string.punctuation,
    *(
        "[/red]",
        "[bold]",
        "{{",
        "{%",
        "\\",
        "$x^2$",
        "&amp;",
        "-->",
        "]]>",
        "'=1+1",
        "\uff1d1+1",
        "@sum",
        "-1",
        "+1",
        "\t=1",
    ),
    *("\x00", "\x1b[31m", "\x1b]0;title\x07", "\x9b", "\x7f", "\r", "\n", "\n\n# x", "\u2028", "\x85"),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u3164", "\ud800", "\udfff", "\ufffe", "\U000e0041"),
    *("漢字", "日本語", "한국어", "ё", "é", "e\u0301", "o" + "\u0334" * 40, "\U0001f4a9", "ß", "Ħ", "ŉ"),
    *("../", "/etc/passwd", "C:\\", "NUL", "con.txt", ".", "..", "~", "-rf", " ", "  ", ";", "GH-1", ":tada:"),
)
NASTY = strategies.one_of(
    strategies.lists(strategies.sampled_from(PIECES), max_size=6).map("".join),
    strategies.text(max_size=20),
    strategies.sampled_from(PIECES).map(lambda piece: (piece * 10_000)[:10_000]),
)
"""Anything that somebody could call something."""


def poison(folder, curves):
    """Cells whose every text from outside is hostile; two environments, so that names meet names."""
    for number, name in enumerate(NAMES):
        env = (SCRIPT, 'Pendulum"><b onmouseover=window.hacked=6>-v1')[number % 2]
        store = folder.cell(
            name,
            env,
            curves=curves if number else (),
            seeds=range(len(curves) + 1),
            reason=f"ValueError: {name}",
            suite=SCRIPT,
            configuration={name: name, "nested": {name: [name]}},
            provenance={
                "started": name,
                "versions": {name: name},
                "git": {"commit": name, "dirty": name},
                "machine": {"cpu": name},
            },
        )
        if number == 1:
            (store.path / "seed-0.parquet").write_bytes(b"not parquet")
