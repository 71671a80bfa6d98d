"""A revision of the user's repository as a folder that runs its own code, and the proof that it did."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from ...results.store.git import git


class Tree(NamedTuple):
    """A version of a repository on the disk."""

    root: Path
    folder: Path
    """What the working folder is in it."""
    commit: str = ""
    """Empty for the working tree."""

    @property
    def package(self) -> list[Path]:
        """What holds this package and nothing else, where the tree is a checkout of it: first on the import path."""
        return [self.root / ".dev"] if (self.root / ".dev" / "pgsuite").exists() else []

    @property
    def path(self) -> list[Path]:
        """Where code that a suite names is looked for, so that the tree's own runs and no other version of it."""
        if self.package:
            return [self.folder]
        return [*([self.root / "src"] if (self.root / "src").is_dir() else []), self.root, self.folder]

    def holds(self, file: str | Path | None) -> bool:
        """Whether a file lies in it."""
        return file is not None and Path(file).resolve().is_relative_to(self.root.resolve())


def working_tree() -> Tree:
    """Return the repository of the working folder.

    Raises:
        UsageError: there is none.
    """
    here = Path.cwd()
    done = _run(here, "rev-parse", "--show-toplevel")
    if done.returncode:
        said = " ".join(done.stderr.split()) or "nothing"
        raise UsageError(
            f"no revision can be a baseline here, for git says {said!r}: name a results folder or a blessed bank, or "
            "compare two classes with --against"
        )
    return Tree(Path(done.stdout.strip()), here)


def commit_of(root: Path, revision: str) -> str | None:
    """Return the commit that a revision names; None where it names none."""
    return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def commits_between(root: Path, good: str, bad: str) -> list[str]:
    """Return the commits after one revision up to a later one, the oldest first; none where it is no ancestor."""
    listed = _git(root, "rev-list", "--reverse", "--topo-order", "--ancestry-path", f"{good}..{bad}")
    return (listed or "").split()


def subject_of(root: Path, commit: str) -> str:
    """Return the first line of a commit's message."""
    return _git(root, "log", "-1", "--format=%s", commit) or ""


@contextmanager
def checked_out(here: Tree, revision: str) -> Iterator[Tree]:
    """Give a revision in a folder of its own, which is removed afterwards.

    Raises:
        UsageError: there is no such revision, or it cannot be checked out.
    """
    commit = commit_of(here.root, revision) if revision else None
    if commit is None:
        shallow = _git(here.root, "rev-parse", "--is-shallow-repository") == "true"
        way_out = (
            "this clone is shallow: `git fetch --unshallow` gets the others"
            if shallow
            else ("`git branch -a` and `git tag` list those that have names")
        )
        raise UsageError(
            f"{revision!r} is neither a results folder, nor a blessed bank, nor a revision of {here.root}; {way_out}"
        )
    with tempfile.TemporaryDirectory(prefix="pgsuite-check-") as place:
        root = Path(place).resolve() / here.root.name
        _git(here.root, "worktree", "prune")
        made = _run(here.root, "worktree", "add", "--quiet", "--detach", str(root), commit)
        if made.returncode:
            raise UsageError(f"revision {revision} cannot be checked out: {made.stderr.strip() or 'git failed'}")
        try:
            folder = root / here.folder.resolve().relative_to(here.root.resolve())
            yield Tree(root, folder if folder.is_dir() else root, commit)
        finally:
            _git(here.root, "worktree", "remove", "--force", str(root))


def check_origins(
    candidate: Tree,
    files: Sequence[str | None],
    baseline: Tree,
    baseline_files: Sequence[str | None],
    loaded: Sequence[str] = (),
) -> None:
    """Hold both arms to their own code: what the candidate ran from its repository, the baseline ran from its tree.

    Args:
        candidate: the working tree.
        files: that its arm ran: the package, the algorithms', the suite's modules.
        baseline: the revision.
        baseline_files: that its arm ran, in the same order.
        loaded: everything that its arm has imported.

    Raises:
        UsageError: an arm ran code from elsewhere, or nothing that was run lies in the repository.
    """
    if not any(candidate.holds(file) for file in files):
        raise UsageError(
            f"nothing that is run lies in {candidate.root}, so its revisions do not differ: it all comes from "
            f"{files[0]}; check where that comes from, or name a file of this repository with -a file.py:Class"
        )
    strays = [file for file in loaded if candidate.holds(file) and not baseline.holds(file)]
    for file, other in zip(files, baseline_files, strict=False):
        if candidate.holds(file) and not baseline.holds(other):
            strays.insert(0, str(other))
    if strays:
        raise UsageError(
            f"the baseline ran {strays[0]} instead of its own version of it, which would compare a thing with itself: "
            "name files relative to the repository, and let no installed copy come first"
        )


def _git(folder: Path, *arguments: str) -> str | None:
    done = _run(folder, *arguments)
    return done.stdout.strip() if done.returncode == 0 else None


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return git(folder, *arguments)
    except OSError as error:
        raise UsageError(
            f"git cannot be run: {error.strerror}; install it, or name a results folder or a bank"
        ) from None
