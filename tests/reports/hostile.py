"""Names that try to become something else where they are written."""

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
