"""`pgsuite list`: what there is to run."""

import typer


def list_names() -> None:
    """List algorithms, suites and their environments."""
    from ..algorithms.registry import available
    from ..suites.files import read_suite, shipped

    typer.echo("algorithms")
    for name, address in available().items():
        typer.echo(f"  {name:20} {address}")
    typer.echo("\nsuites")
    for name in shipped():
        _, suite = read_suite(name)
        typer.echo(f"  {name:20} {suite['description']}")
        for env, table in suite["environments"].items():
            typer.echo(f"    {env:32} {table['steps']:>9,} steps")
