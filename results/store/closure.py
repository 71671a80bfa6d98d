"""The definitions that a definition is made of, found without importing anything, and one hash of them all.

Every global name in a definition's text (see `syntax`) is resolved to what it means: a definition of the same file, or,
through imports of any kind, of another file of the package, of the root's own top-level package, or beside a user's
file; anything else counts by its dotted name. The hash numbers definitions in the order in which reading from the root
meets them, so that neither their names nor the modules they lie in matter, circles need no care, and two definitions
of the same content stay two.

Two things are not referred to and may yet decide numbers. The class that an annotation names is one: its methods are
called. A statement with an effect in a module that any definition came from is the other. Both count by their content,
in no order.

A parent package's ``__init__`` runs on import, but only what is imported from it counts: otherwise every algorithm
would be made of all the others. Imports built at run time (``importlib.import_module``) and data files are not seen.
"""

import builtins
import hashlib
import importlib.util
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ...errors import UsageError
from .outline import Outline, outline
from .scopes import ImportedName
from .syntax import Reference, joined


class Home(NamedTuple):
    """Where modules are looked for: those of one top-level name, or of any name beside a user's file."""

    top: str | None
    folder: Path

    def candidates(self, module: str) -> tuple[Path, ...]:
        """Files that a module of that name can be; none where it is none of ours."""
        top, *parts = module.split(".")
        if self.top not in (None, top):
            return ()
        stem = self.folder.joinpath(*([top] if self.top is None else []), *parts)
        return stem / "__init__.py", stem.with_name(stem.name + ".py")


PACKAGE = Home(__name__.partition(".")[0], Path(__file__).resolve().parents[__name__.count(".") - 1])


class Source:
    """A module of the package, or one of a user's."""

    def __init__(self, name: str, path: Path, home: Home) -> None:
        self.name = name
        self.path = path
        self.home = home
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    @cached_property
    def file(self) -> Outline:
        """What is in it.

        Raises:
            UsageError: it is not Python.
        """
        try:
            return outline(self.path.read_bytes())
        except SyntaxError as error:
            raise UsageError(f"{self.path}, line {error.lineno}: {error.msg}; correct the file") from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise UsageError(f"{self.path} cannot be parsed: {error}; correct the file") from error

    def absolute(self, imported: ImportedName) -> str:
        """The full name of the module that an import names."""
        return absolute(self.package, imported.level, imported.module)


def absolute(package: str, level: int, module: str) -> str:
    """The full name of the module that ``from ... import`` in a package names, with so many dots before it."""
    if level == 0:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


class Definition(NamedTuple):
    """A module-level name of a source, or ``TABLE[key]``, one value of a dict that is written out."""

    source: Source
    name: str

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{self.source.name}:{self.name}"


WHOLE, EFFECTS = "*", "!"
"""In place of a name: everything that a module defines, and what it does besides defining."""

Target: TypeAlias = Definition | Source | str
"""What a name means: a definition, a module, or something outside our reach by its dotted name."""


class Content(NamedTuple):
    """A definition's text with its names resolved."""

    pieces: tuple[str | Definition, ...]
    besides: tuple[Definition, ...]
    """What counts too without standing in the text."""


class Program:
    """The files as they are now, and what their names mean."""

    def __init__(self, package: Home) -> None:
        self.package = package
        self._seen: dict[Path, tuple[int, int] | None] = {}
        self._sources: dict[tuple[Home, str], Source | None] = {}
        self._targets: dict[tuple[Source, str], tuple[Target, tuple[str, ...]] | None] = {}
        self._contents: dict[Definition, Content] = {}
        self._digests: dict[tuple[Collection[Definition], tuple[Target, ...]], tuple[str, tuple[Definition, ...]]] = {}

    def is_current(self) -> bool:
        """Whether no file has changed, appeared or gone since it was looked at."""
        return all(_state(path) == state for path, state in self._seen.items())

    def root(self, address: str) -> Target:
        """What an address means: ``module:Name``, ``module:TABLE[key]``, ``path/to/file.py:Name``, or a whole module.

        Raises:
            UsageError: the module or file does not exist, or is not Python.
        """
        place, colon, name = address.rpartition(":")
        place, name = (place, name) if colon else (address, "")
        source = self._root_source(place)
        table, bracket, key = name.partition("[")
        table = table.partition(".")[0]
        if not name:
            return Definition(source, WHOLE)
        target, _ = self._attribute(source, table) or (None, ())
        if bracket and isinstance(target, Definition):
            entry = f"{target.name}[{key.removesuffix(']')}]"
            return target._replace(name=entry) if entry in target.source.file else target
        return Definition(source, WHOLE) if target is None or isinstance(target, Source) else target

    def excluded(self, addresses: Iterable[str]) -> frozenset[Definition]:
        """The definitions of a list of what does not count.

        Raises:
            LookupError: one does not exist: a mistake in the list.
        """
        return frozenset(map(self._excluded, addresses))

    def reached(
        self, roots: Iterable[Target], without: frozenset[Definition] = frozenset()
    ) -> tuple[str, tuple[Definition, ...], tuple[Definition, ...]]:
        """The hash of what is referred to from the roots, those definitions, and those that count besides."""
        digest, first = self._traverse(tuple(roots), without)
        found, queue, rest = dict.fromkeys(first), list(first), []
        while queue:
            node = queue.pop()
            for other in self._besides(node, without):
                if other not in found:
                    more = [n for n in self._traverse((other,), without)[1] if n not in found]
                    found.update(dict.fromkeys(more))
                    queue += more
                    rest += more
        return digest, first, tuple(node for node in rest if node not in without)

    def digest(self, roots: Iterable[Target], without: frozenset[Definition] = frozenset()) -> str:
        """SHA-256, in hex, of everything that the roots are made of."""
        digest, _, rest = self.reached(roots, without)
        besides = sorted({self._traverse((node,), without)[0] for node in rest})
        return hashlib.sha256("\n".join([digest, *besides]).encode()).hexdigest()

    def _excluded(self, address: str) -> Definition:
        module, _, name = address.partition(":")
        source = self._located(self.package, module)
        target, _ = (source and self._attribute(source, name)) or (None, ())
        if not isinstance(target, Definition) or target.name == WHOLE:
            raise LookupError(f"{address} does not exist, so it cannot be left out of what is hashed")
        return target

    def _traverse(
        self, roots: tuple[Target, ...], without: frozenset[Definition]
    ) -> tuple[str, tuple[Definition, ...]]:
        """Hash definitions in the order in which they are met, each referred to by its number."""
        key = (without, roots)
        if key in self._digests:
            return self._digests[key]
        numbers: dict[Definition, int] = {}
        order: list[Definition] = []

        def text(piece: str | Definition) -> str:
            if isinstance(piece, str):
                return piece
            if piece not in numbers:
                numbers[piece] = len(order)
                order.append(piece)
            return f"#{numbers[piece]}"

        texts = [" ".join(text(self._as_piece(root)) for root in roots)]
        # The order grows on the way.
        texts += ("" if node in without else "".join(map(text, self._content(node).pieces)) for node in order)
        found = hashlib.sha256("\n\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest(), tuple(order)
        self._digests[key] = found
        return found

    def _as_piece(self, target: Target) -> str | Definition:
        return Definition(target, WHOLE) if isinstance(target, Source) else target

    def _besides(self, node: Definition, without: frozenset[Definition]) -> Iterator[Definition]:
        if node not in without:
            yield from self._content(node).besides
            yield from self._effects(node.source)

    def _effects(self, source: Source) -> tuple[Definition, ...]:
        return (Definition(source, EFFECTS),) if source.file.effects else ()

    def _content(self, node: Definition) -> Content:
        if node not in self._contents:
            self._contents[node] = self._whole(node.source) if node.name == WHOLE else self._resolved(node)
        return self._contents[node]

    def _resolved(self, node: Definition) -> Content:
        source, name = node
        text = source.file.text("" if name == EFFECTS else name)
        pieces: list[str | Definition] = []
        for piece in text.pieces:
            if isinstance(piece, Reference):
                target, attributes = self._resolve(source, piece)
                meant = f"`{target}`" if isinstance(target, str) else self._as_piece(target)
                pieces += [meant, *("." + attribute for attribute in attributes)]
            else:
                pieces.append(piece)
        besides = [cls for reference in text.types for cls in self._classes(source, reference, set())]
        for imported in source.file.unused if source.path.name != "__init__.py" else ():
            target, _ = self._import_target(source, imported, frozenset())
            where = target.source if isinstance(target, Definition) else target
            besides += self._effects(where) if isinstance(where, Source) else ()
        return Content(tuple(joined(pieces)), tuple(dict.fromkeys(besides)))

    def _whole(self, source: Source) -> Content:
        """Everything that a module defines, by name, and whatever of ours it imports."""
        pieces: list[str | Definition] = []
        besides: list[Definition] = []
        for name, bindings in sorted(source.file.bindings.items()):
            if not all(bindings):
                pieces += [f"{name}=", Definition(source, name), ";"]
                continue
            target, _ = self._attribute(source, name) or ("", ())
            if isinstance(target, Definition):
                besides.append(target)
            elif isinstance(target, Source):
                besides += self._effects(target) if target.home == self.package else [Definition(target, WHOLE)]
        for name in sorted(source.file.lazy):
            target, _ = self._attribute(source, name) or ("", ())
            besides += [target] if isinstance(target, Definition) else []
        for star in source.file.stars:
            target = self._module(source, source.absolute(star))
            pieces += ["*=", self._as_piece(target), ";"]
        return Content(tuple(joined(pieces)), tuple(dict.fromkeys(besides)))

    def _classes(self, source: Source, reference: Reference, seen: set[Definition]) -> Iterator[Definition]:
        """Classes that a type names, itself or by an alias."""
        target, _ = self._resolve(source, reference)
        if not isinstance(target, Definition) or target in seen or target.name in (WHOLE, EFFECTS):
            return
        seen.add(target)
        match target.source.file.kinds.get(target.name):
            case "class":
                yield target
            case "value":
                for piece in target.source.file.text(target.name).pieces:
                    if isinstance(piece, Reference):
                        yield from self._classes(target.source, piece, seen)

    def _resolve(self, source: Source, reference: Reference) -> tuple[Target, tuple[str, ...]]:
        """What a reference means, and the attributes read from that."""
        name, attributes = reference
        if isinstance(name, ImportedName):
            target, left = self._import_target(source, name, frozenset())
        else:
            target, left = self._attribute(source, name) or (self._unknown(source, name), ())
        attributes = left + attributes
        while attributes and not isinstance(target, Definition):
            first, attributes = attributes[0], attributes[1:]
            if isinstance(target, str):
                target = self._module(source, f"{target}.{first}")
            else:  # what is made at run time may be made by anything in the module
                target, left = self._attribute(target, first) or (Definition(target, WHOLE), (first,))
                attributes = left + attributes
        return target, attributes

    def _unknown(self, source: Source, name: str) -> str:
        """A name that no file of ours binds: a builtin, or from a star import."""
        stars = [] if hasattr(builtins, name) else [s.module for s in source.file.stars if not s.level]
        return " ".join([*stars, name])

    def _attribute(
        self, source: Source, name: str, seen: frozenset[tuple[Source, str]] = frozenset()
    ) -> tuple[Target, tuple[str, ...]] | None:
        """What a module-level name means; None where nothing binds it."""
        key = (source, name)
        if key in seen:  # a circle of imports, or a package that imports its own module
            return self._submodule(source, name) or Definition(source, name), ()
        if seen:
            return self._look_up(source, name, seen | {key})
        if key not in self._targets:
            self._targets[key] = self._look_up(source, name, frozenset({key}))
        return self._targets[key]

    def _look_up(
        self, source: Source, name: str, seen: frozenset[tuple[Source, str]]
    ) -> tuple[Target, tuple[str, ...]] | None:
        file = source.file
        if bindings := file.bindings.get(name):
            (first, *others) = bindings
            if first and not others:
                return self._import_target(source, first, seen)
            return Definition(source, name), ()
        if name in file.lazy:
            return self._lazy_target(source, name, seen)
        if module := self._submodule(source, name):
            return module, ()
        for star in reversed(file.stars):
            module = self._source(source, source.absolute(star))
            if module and (found := self._attribute(module, name, seen)):
                return found
        return (Definition(source, WHOLE), (name,)) if "__getattr__" in file.bindings else None

    def _submodule(self, source: Source, name: str) -> Source | None:
        return self._source(source, f"{source.name}.{name}") if source.path.name == "__init__.py" else None

    def _import_target(
        self, source: Source, imported: ImportedName, seen: frozenset[tuple[Source, str]]
    ) -> tuple[Target, tuple[str, ...]]:
        module = source.absolute(imported)
        target = self._module(source, module)
        if imported.name is None:
            return target, ()
        if isinstance(target, str):
            return self._module(source, f"{module}.{imported.name}"), ()
        found = self._attribute(target, imported.name, seen)
        return found or (Definition(target, WHOLE), (imported.name,))

    def _lazy_target(
        self, source: Source, name: str, seen: frozenset[tuple[Source, str]]
    ) -> tuple[Target, tuple[str, ...]]:
        """``module:Name`` or ``module`` of a lazy table; a leading dot, or a bare name, is relative to the package."""
        module, _, attribute = source.file.lazy[name].partition(":")
        if module.startswith("."):
            module = source.package + "." + module.lstrip(".")
        elif not isinstance(self._module(source, module), Source):
            module = f"{source.package}.{module}"
        target = self._module(source, module)
        if isinstance(target, str):
            return f"{target}.{attribute}" if attribute else target, ()
        return self._attribute(target, attribute or name, seen) or (target, ())

    def _module(self, source: Source, module: str) -> Source | str:
        return self._source(source, module) or module

    def _source(self, source: Source, module: str) -> Source | None:
        """The source that an absolute module name means when imported from another; None outside our reach."""
        for home in (self.package, source.home):
            if found := self._located(home, module):
                return found
        return None

    def _located(self, home: Home, module: str) -> Source | None:
        key = (home, module)
        if key not in self._sources:
            top, dot, _ = module.partition(".")
            if home.top is None and dot and not self._exists(home.folder / top) and not self._located(home, top):
                return None
            paths = [path for path in home.candidates(module) if module and self._exists(path)]
            self._sources[key] = Source(module, paths[0], home) if paths else None
        return self._sources[key]

    def _exists(self, path: Path) -> bool:
        if path not in self._seen:
            self._seen[path] = _state(path)
        return self._seen[path] is not None

    def _root_source(self, place: str) -> Source:
        if place.endswith(".py"):
            path = Path(place).resolve()
            if not path.is_file():
                raise UsageError(f"the file {place} does not exist; check its path")
            self._exists(path)
            home = Home(None, path.parent)
            source = self._located(home, path.stem)
            if source is None or source.path != path:  # named as no module can be
                source = self._sources.setdefault((home, path.name), Source(path.stem, path, home))
                assert source is not None
            return source
        home_of_module = self._home(place)
        found = self._located(home_of_module, place) if home_of_module else None
        if found is None:
            raise UsageError(f"the module {place} does not exist; check its name, or install what holds it")
        return found

    def _home(self, module: str) -> Home | None:
        """Where a root module's top-level package lies; finding a top-level name imports nothing."""
        top = module.partition(".")[0]
        if top == self.package.top:
            return self.package
        try:
            spec = importlib.util.find_spec(top)
        except ValueError:  # what is run as a program has none
            spec = None
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or ())
        if folders:
            return Home(top, Path(folders[0]))
        return Home(top, Path(spec.origin).with_suffix("")) if spec.has_location and spec.origin else None


def _state(path: Path) -> tuple[int, int] | None:
    """What tells that a file was changed; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if path.suffix == ".py" else (0, 0)


_programs: dict[Home, Program] = {}


def program() -> Program:
    """The package's program; read anew when a file that it looked at has changed."""
    known = _programs.get(PACKAGE)
    if known is None or not known.is_current():
        known = _programs[PACKAGE] = Program(PACKAGE)
    return known
