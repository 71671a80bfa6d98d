"""Everything needed to repeat what is reported: settings, protocol, versions, commits, machines, seeds."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...results.store.gathering import Gathered, Member
from ...results.store.places import Place
from ..catalogue import CELLS, PROTOCOL, SETTINGS, SOFTWARE
from ..notation import NOTHING, ranges, si
from .table import Column, Entry, Table, algorithm, number, text


def settings_table(gathered: Gathered) -> Table:
    """One row per setting, one column per algorithm; a setting that differs on some environment says where."""
    members = _by_label(gathered.members)
    known = {label: [m for m in own if m.record.get("configuration")] for label, own in members.items()}
    names = dict.fromkeys(name for own in known.values() for member in own for name in _configuration(member))
    columns = [Column("setting", numeric=False), *(Column(label, numeric=False) for label in known)]
    rows = [(text(name), *(_setting(own, name) for own in known.values())) for name in names]
    return Table("settings", "Hyperparameters", SETTINGS, tuple(columns), tuple(rows))


def _by_label(members: Iterable[Member]) -> dict[str, list[Member]]:
    grouped: dict[str, list[Member]] = {}
    for member in members:
        grouped.setdefault(member.label, []).append(member)
    return grouped


def _configuration(member: Member) -> Mapping[str, Any]:
    configuration = member.record.get("configuration")
    return configuration if isinstance(configuration, Mapping) else {}


def _setting(members: Sequence[Member], name: str) -> Entry:
    """The value on most environments, then the exceptions with their environments."""
    places: dict[str, list[str]] = {}
    for member in members:
        if name in (configuration := _configuration(member)):
            places.setdefault(value(configuration[name]), []).append(member.env)
    if not places:
        return text("")
    usual, *others = sorted(places, key=lambda one: -len(places[one]))
    exceptions = "; ".join(f"{one} on {', '.join(places[one])}" for one in others)
    return text(f"{usual} ({exceptions})" if exceptions else usual)


def value(item: Any) -> str:
    """A JSON value in words: ``yes``, ``64, 64``, ``0.0007``, ``numpy 2.4.6, torch 2.13.0``."""
    match item:
        case bool():
            return "yes" if item else "no"
        case None:
            return "none"
        case Mapping():
            return ", ".join(
                f"{str(key).replace('_', ' ')} {value(one)}" for key, one in item.items() if one is not None
            )
        case list():
            return ", ".join(map(value, item))
        case str():
            return item
        case _:
            return json.dumps(item)


def protocol_table(gathered: Gathered) -> Table:
    """How each environment was measured: budget, checkpoints, episodes, anchors, backend."""
    columns = (
        Column("environment", numeric=False),
        Column("steps", explanation="budget of a run"),
        Column("checkpoints", explanation="evaluations after the first"),
        Column("episodes", explanation="per evaluation"),
        Column("policy", numeric=False),
        Column("random return", explanation="score 0"),
        Column("reference return", explanation="score 1"),
        Column("backend", numeric=False),
        Column("options", numeric=False),
    )
    rows = {_protocol(member.env, member.record): None for member in gathered.members if member.record}
    return Table("protocol", "Protocol and environments", PROTOCOL, columns, tuple(rows))


def _protocol(env: str, record: Mapping[str, Any]) -> tuple[Entry, ...]:
    protocol, anchors = _mapping(record.get("protocol")), _mapping(record.get("anchors"))
    environment = _mapping(record.get("environment"))
    policy = {True: "deterministic", False: "stochastic"}.get(protocol.get("deterministic", None), "")
    backend = f"{environment.get('backend', '')} {environment.get('backend_version', '')}".strip()
    return (
        text(env),
        _count(record.get("steps")),
        _count(protocol.get("checkpoints")),
        _count(protocol.get("episodes")),
        text(policy),
        _count(anchors.get("random")),
        _count(anchors.get("reference")),
        text(backend),
        text(value(_mapping(environment.get("options")))),
    )


def _mapping(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {}


def _count(item: Any) -> Entry:
    if isinstance(item, bool) or not isinstance(item, int | float):
        return text("" if item is None else item)
    return number(item, si(item) if isinstance(item, int) else value(round(item, 2)).replace("-", "−"))


def software_table(gathered: Gathered) -> Table:
    """Versions, code and machine, once where all agree, else with the number of cells that each made."""
    begun = [member for member in gathered.members if member.record]
    rows = []
    for kind in ("versions", "code", "machine", "device"):
        made: dict[str, list[Member]] = {}
        for member in begun:
            made.setdefault(_made_with(member.record, kind), []).append(member)
        rows += [(text(kind), text(words), text(_where(cells, begun))) for words, cells in made.items() if words]
    columns = (Column("what", numeric=False), Column("value", numeric=False), Column("cells", numeric=False))
    return Table("software", "Versions, code and machine", SOFTWARE, columns, tuple(rows), sortable=False)


def _where(cells: Sequence[Member], begun: Sequence[Member]) -> str:
    """``all``, or the algorithms, with their environments where some were made with something else."""
    if len(cells) == len(begun):
        return "all"
    every, some = _by_label(begun), _by_label(cells)
    return "; ".join(
        label if len(own) == len(every[label]) else f"{label} on {', '.join(member.env for member in own)}"
        for label, own in some.items()
    )


def _made_with(record: Mapping[str, Any], kind: str) -> str:
    provenance = _mapping(record.get("provenance"))
    if kind == "code":
        return commit(provenance.get("git"))
    if kind == "device":
        return value(record.get("device") or "")
    return value(_mapping(provenance.get(kind)))


def commit(git: Any) -> str:
    """``git commit ed490851d6c3 with uncommitted changes``; nothing where it is not known."""
    if not isinstance(git, Mapping) or "commit" not in git:
        return ""
    return f"git commit {str(git['commit'])[:12]}" + (" with uncommitted changes" if git.get("dirty") else "")


def cells_table(gathered: Gathered) -> Table:
    """Seeds, fingerprint, folder and date of every cell."""
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("seeds", numeric=False, explanation="that were asked for"),
        Column("completed", numeric=False, explanation="seeds whose run reached its budget"),
        Column("fingerprint", numeric=False),
        Column("commit", numeric=False),
        Column("started", numeric=False),
        Column("folder: suite", numeric=False),
    )
    rows = tuple(_cell_row(member) for member in gathered.members)
    return Table("cells", "Cells and seeds", CELLS, columns, rows, headings=2)


def _name(folder: Place) -> str:
    return folder.resolve().name if isinstance(folder, Path) else folder.name


def _cell_row(member: Member) -> tuple[Entry, ...]:
    provenance = _mapping(member.record.get("provenance"))
    git = _mapping(provenance.get("git"))
    return (
        text(member.env),
        algorithm(member.label),
        text(ranges(member.asked)),
        text(ranges(member.seeds("complete"))),
        text(member.fingerprint[:12], tone="code"),
        text(str(git.get("commit", NOTHING))[:12] + ("*" if git.get("dirty") else ""), tone="code"),
        text(str(provenance.get("started", NOTHING))[:16].replace("T", " ")),
        text(f"{_name(member.folder)}: {member.suite}"),
    )
