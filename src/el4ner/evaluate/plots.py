"""Plots of runs, as PNG or SVG: the same runs give the same bytes. Needs the extra `plots` (matplotlib).

Colours are those of Okabe and Ito (2008), which the colour-blind can tell apart; recipes differ in their markers, too.
Names come from files that others wrote: they are drawn as they stand, never as mathematical markup.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from el4ner.errors import ConfigError, DataError, MissingExtraError
from el4ner.evaluate.calibration import Calibration
from el4ner.evaluate.mistakes.confusion import Confusion
from el4ner.evaluate.plot_points import Point
from el4ner.files import whole
from el4ner.text.printable import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LOOK: dict[Any, Any] = {
    "svg.hashsalt": "el4ner",
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched, and drawn in any script
    "text.parse_math": False,
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.facecolor": "white",
}


def plot_cost(points: Sequence[Point], file: Path) -> None:
    """F1 against tokens a text and, where they are known, against parameters: a row of axes for each data set.

    Points of equal cost stand side by side; what costs nothing is a dashed line.
    """
    known = [point for point in points if point.parameters]
    costs: list[tuple[str, Callable[[Point], float]]] = [("tokens a text (prompt and generated)", lambda p: p.tokens)]
    if known:
        costs.append(("parameters of the members' models", lambda p: p.parameters or 0))
    data = _distinct(point.data for point in points)
    recipes = _distinct(point.recipe for point in points)
    with _figure(file, "F1 against cost", _told(points), (4.6 * len(costs), 3.2 * len(data))) as figure:
        grid = figure.subplots(len(data), len(costs), squeeze=False, sharey="row", sharex="col")
        for axes, name in zip(grid[:, 0], data, strict=True):
            _title(axes, name)
            axes.set_ylabel("micro-F1, 95 % interval")
        for number, (label, cost) in enumerate(costs):
            grid[-1, number].set_xlabel(label)
            for axes, name in zip(grid[:, number], data, strict=True):
                _log(axes, [cost(point) for point in points])
                here = [point for point in points if point.data == name and cost(point)]
                for x, point in zip(_apart([cost(point) for point in here]), here, strict=True):
                    _dot(axes, x, point, recipes.index(point.recipe))
                for point in (point for point in points if point.data == name and cost(point) == 0):
                    axes.axhline(point.f1, color=_colour(recipes.index(point.recipe)), linestyle="--")
        _legend(figure, recipes)


def plot_k(points: Sequence[Point], file: Path) -> None:
    """F1 against the number of demonstrations: axes for each data set, lines for recipes that else are equal."""
    data = _distinct(point.data for point in points)
    families = _distinct(point.family for point in points)
    with _figure(file, "F1 against the number of demonstrations", _told(points), _size(len(data))) as figure:
        panels = _panels(figure, len(data))
        for axes, name in zip(panels, data, strict=True):
            _title(axes, name)
            axes.set(xlabel="demonstrations (k)", ylabel="micro-F1, 95 % interval")
            axes.set_xticks(sorted({point.k for point in points}))
            for number, family in enumerate(families):
                line = sorted((p for p in points if (p.family, p.data) == (family, name)), key=lambda p: p.k)
                axes.plot([p.k for p in line], [p.f1 for p in line], color=_colour(number))
                for point in line:
                    _dot(axes, point.k, point, number)
            axes.set_ylim(bottom=0)
        _legend(figure, families)


def plot_reliability(calibrations: Mapping[str, Calibration], file: Path) -> None:
    """The share of right entities against their score, in bins, with each bin's count: axes for each recipe."""
    told = "; ".join(f"{name}: expected calibration error {one.error:.3f}" for name, one in calibrations.items())
    with _figure(file, "Reliability of scores", told, _size(len(calibrations), 3.8)) as figure:
        for axes, (name, one) in zip(_panels(figure, len(calibrations)), calibrations.items(), strict=True):
            entities = sum(bin.entities for bin in one.bins)
            _title(axes, f"{one_line(name, 40)}\nECE {one.error:.3f}, {entities:,} entities")
            axes.plot([0, 1], [0, 1], color="#767676", linestyle="--", linewidth=1)
            for bin in one.bins:
                middle = (bin.low + bin.high) / 2
                axes.bar(middle, bin.right, bin.high - bin.low, color="#56b4e9", edgecolor="#000000", linewidth=0.6)
                axes.text(middle, 1.03, f"{bin.entities:,}", ha="center", va="bottom", fontsize=8)
            axes.plot([bin.score for bin in one.bins], [bin.right for bin in one.bins], "o", color="#d55e00")
            axes.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="score", ylabel="share that is right")
            axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])


def plot_confusion(confusions: Mapping[str, Confusion], file: Path) -> None:
    """Gold types against found types, the shade by the share of the row: axes for each recipe."""
    side = max(len(one.types) for one in confusions.values()) + 1
    told = "; ".join(
        f"{name}: {', '.join(f'{gold} taken for {found} {n:,}' for gold, found, n in one.frequent()[:5]) or 'none'}"
        for name, one in confusions.items()
    )
    inches = 1.9 + 0.42 * side
    with _figure(file, "Types that were found for gold types", told, _size(len(confusions), inches, inches)) as figure:
        for axes, (name, one) in zip(_panels(figure, len(confusions)), confusions.items(), strict=True):
            _title(axes, name)
            _matrix(axes, one)


def _matrix(axes: Axes, one: Confusion) -> None:
    sums = one.counts.sum(axis=1, keepdims=True)
    shares = one.counts / sums.clip(min=1)
    places = range(len(one.types) + 1)
    axes.pcolormesh(places, places, shares, cmap="Blues", vmin=0, vmax=1, edgecolors="#d9d9e0", linewidth=0.5)
    axes.set(xlabel="found", ylabel="gold", aspect="equal")
    axes.invert_yaxis()
    for row, column in zip(*one.counts.nonzero(), strict=True):
        ink = "white" if shares[row, column] > 0.7 else "black"
        axes.text(column, row, f"{one.counts[row, column]:,}", ha="center", va="center", color=ink, fontsize=8)
    types = [_drawn(name, 24) for name in one.types]
    axes.set_xticks(places, [*types, "(missed)"], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, [*types, "(spurious)"])


@contextmanager
def _figure(file: Path, title: str, told: str, size: tuple[float, float]) -> Iterator[Figure]:
    """An empty figure, written to the file afterwards; `told` is what it shows, for those who cannot see it."""
    if file.suffix.lower() not in (".png", ".svg"):
        raise ConfigError(f"{file}: plots are written as .png or .svg; give the file such a name")
    try:
        from matplotlib import style
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("plots need matplotlib; run: pip install 'el4ner[plots]'") from None
    said: dict[str, Any] = {"Title": title, "Description": _drawn(told, 4000)}
    with style.context(["default", _LOOK]), warnings.catch_warnings():
        if file.suffix.lower() == ".svg":
            said["Date"] = None
            warnings.filterwarnings("ignore", "Glyph")  # whoever shows the SVG draws them in a font of its own
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        try:
            with whole(file) as part:
                figure.savefig(part, format=file.suffix[1:].lower(), dpi=160, metadata=said)
        except OSError as error:
            raise DataError(f"{file}: cannot be written ({error.strerror}); check the path") from None


def _panels(figure: Figure, number: int) -> list[Axes]:
    """Axes side by side, at most three in a row."""
    columns = min(3, max(1, number))
    grid = figure.subplots(ceil(number / columns), columns, squeeze=False).flatten()
    for unused in grid[number:]:
        unused.remove()
    return list(grid[:number])


def _size(number: int, width: float = 4.6, height: float = 3.6) -> tuple[float, float]:
    columns = min(3, max(1, number))
    return width * columns, height * ceil(number / columns)


def _dot(axes: Axes, x: float, point: Point, number: int) -> None:
    bars = [[max(0.0, point.f1 - point.interval.low)], [max(0.0, point.interval.high - point.f1)]]
    axes.errorbar([x], [point.f1], bars, capsize=3, color=_colour(number), marker=_marker(number), markersize=6)


def _apart(values: Sequence[float]) -> list[float]:
    """Equal values a little to the left and right of where they are, so that none hides another."""
    seen: Counter[float] = Counter()
    times = Counter(values)
    moved = []
    for value in values:
        moved.append(value * 1.05 ** (seen[value] - (times[value] - 1) / 2))
        seen[value] += 1
    return moved


def _legend(figure: Figure, names: Sequence[str]) -> None:
    """Below all axes. The names are set last: matplotlib leaves out what begins with an underscore."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=_colour(n), marker=_marker(n), linestyle="") for n in range(len(names))]
    legend = figure.legend(
        lines, [str(n) for n in range(len(names))], loc="outside lower center", ncols=min(4, len(names)), frameon=False
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(_drawn(name, 40))


def _log(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis whose ticks are plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    positive = [value for value in values if value > 0]
    if positive:
        axes.set_xlim(min(positive) / 1.6, max(positive) * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for size, unit in ((1e9, " B"), (1e6, " M")):
        if value >= size:
            return f"{value / size:,.10g}{unit}"
    return f"{value:,.10g}"


def _told(points: Iterable[Point]) -> str:
    return "; ".join(
        f"{p.recipe} on {p.data}: F1 {p.f1:.3f} [{p.interval.low:.3f}, {p.interval.high:.3f}], k {p.k},"
        f" {p.tokens:,.0f} tokens a text"
        for p in points
    )


def _title(axes: Axes, name: str) -> None:
    axes.set_title("\n".join(_drawn(line, 48) for line in name.split("\n")), fontsize=10)


def _drawn(name: str, longest: int) -> str:
    """Untrusted text, fit for XML: two characters that `one_line` lets through have no place there."""
    return one_line(name, longest).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _marker(number: int) -> str:
    return _MARKERS[number % len(_MARKERS)]  # 7 colours, 8 markers: 56 recipes differ
