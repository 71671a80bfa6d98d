"""A figure as SVG that stands inside an HTML page: inert, in the page's colours, its series findable.

matplotlib's own SVG is a document; several of them in one page would share ids, fonts and a style sheet for ``*``.
"""

import re
import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element

from ...foreign import named, plain
from .drawing import GRID, INK, MUTED, Drawing

_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOURS = {INK: ("currentColor", None), MUTED: ("currentColor", "0.72"), GRID: ("currentColor", "0.13")}
_PLACES = ("d", "x", "y", "width", "height", "points", "transform")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_NUMBER = re.compile(r"-?\d+\.\d+")
_UNROTATED = re.compile(r"rotate\(-?0(\.0*)? [^)]*\)")
_IMPLIED = {("stroke-linejoin", "round"), ("stroke-linecap", "butt"), ("stroke-dashoffset", "0")}


def inline(drawing: Drawing) -> str:
    """The figure as one ``<svg>`` element for an HTML page.

    Every id begins with the drawing's name, so those of several figures never meet. The artists of an algorithm are
    groups ``<g id="<figure>--<slug>--<kind>" class="series s-<slug> kind-<kind>">`` with kinds ``line``, ``band``,
    ``runs`` (single runs: a page hides them until asked), ``diverged``, ``point``, ``interval``, ``key``, ``label``.
    Text and axes have the page's colour, the background is the page's, the width that of its container.
    """
    root = ElementTree.fromstring(drawing.svg)
    _strip_namespaces(root)
    _clear_background(root)
    definitions = _gather_definitions(root)
    _tidy(root)
    _tidy(definitions)
    root.append(definitions)
    _name_series(root, drawing)
    _rename(root, drawing.name)
    _describe(root, drawing)
    return ElementTree.tostring(root, encoding="unicode")


def _strip_namespaces(root: Element) -> None:
    """Plain tags and ``href``, as HTML wants them."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if link := element.attrib.pop(_LINK, None):
            element.set("href", link)


def _clear_background(root: Element) -> None:
    """The figure's own patch, which is drawn first, goes: the page shows through."""
    patch = root.find(".//g[@id='patch_1']")
    assert patch is not None
    patch.clear()


def _gather_definitions(root: Element) -> Element:
    """Take out all definitions, into one element: a hidden series must not hide a marker that others use.

    The metadata and the style sheet, which would reach all of the page, go.
    """
    gathered = Element("defs")
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "defs":
                gathered.extend(item for item in child if item.tag != "style")
            if child.tag in {"defs", "metadata"}:
                parent.remove(child)
    return gathered


def _tidy(root: Element) -> None:
    """Attributes instead of styles, short numbers, no white space, nothing that is not seen."""
    for element in root.iter():
        _unstyle(element)
        for name in _PLACES:
            if value := element.get(name):
                element.set(name, _short(_UNROTATED.sub("", value)))
        if element.get("transform") == "":
            del element.attrib["transform"]
        if element.tag != "text":
            element.text = None
        element.tail = None
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "path" and child.get("fill") == "none" and "stroke" not in child.attrib:
                parent.remove(child)


def _unstyle(element: Element) -> None:
    """Turn ``style`` into attributes, which the page's style sheet can override; our inks into the page's colour."""
    for declaration in filter(None, element.attrib.pop("style", "").split(";")):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if (name, value) in _IMPLIED or name == "font-family":
            continue
        colour, opacity = _COLOURS.get(value, (value, None))
        element.set(name, colour)
        if opacity is not None:
            element.set(f"{name}-opacity", opacity)


def _short(value: str) -> str:
    """Numbers to a hundredth of a point."""
    text = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
    return " ".join(text.split())


def _name_series(root: Element, drawing: Drawing) -> None:
    """Classes for the groups of each algorithm, and its name as their tooltip."""
    for group in root.iter("g"):
        figure, *parts = group.get("id", "").split("--")
        if figure == drawing.name and len(parts) >= 2 and parts[0] in drawing.series:
            group.set("class", f"series s-{parts[0]} kind-{parts[1]}")
            tooltip = Element("title")
            tooltip.text = named(drawing.series[parts[0]])
            group.insert(0, tooltip)


def _rename(root: Element, name: str) -> None:
    """Begin the ids that something refers to with the figure's name; the others go, but for those of series."""
    references = {
        found for element in root.iter() for value in element.attrib.values() for found in _REFERENCE.findall(value)
    }
    references |= {element.attrib["href"].removeprefix("#") for element in root.iter() if "href" in element.attrib}
    for element in root.iter():
        identity = element.get("id", "")
        if identity in references:
            element.set("id", f"{name}-{identity}")
        elif "class" not in element.attrib:
            element.attrib.pop("id", None)
        if "href" in element.attrib:
            element.set("href", f"#{name}-{element.attrib['href'].removeprefix('#')}")
        for attribute, value in element.items():
            if "url(#" in value:
                element.set(attribute, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _describe(root: Element, drawing: Drawing) -> None:
    """Title and text alternative; the width of whatever holds the figure."""
    for index, (tag, text) in enumerate((("title", drawing.title), ("desc", drawing.description))):
        element = Element(tag, id=f"{drawing.name}-{tag}")
        element.text = plain(text)
        root.insert(index, element)
    box = root.get("viewBox", "")
    root.attrib.clear()
    names = {"aria-labelledby": f"{drawing.name}-title", "aria-describedby": f"{drawing.name}-desc"}
    size = {"viewBox": box, "width": "100%", "data-width": box.split()[2]}
    font = {"font-family": "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"}
    lines = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    role = {"xmlns": "http://www.w3.org/2000/svg", "class": "figure", "role": "img"}
    for attribute, value in (role | names | size | font | lines).items():
        root.set(attribute, value)
