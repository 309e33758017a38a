"""The report's charts: drawn by matplotlib as SVG inside the page, in colours that are read on light and on dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#3b82c4", "#e07a2f", "#3f9d63", "#a56cc9", "#c4961a", "#d0567a", "#5aa6a6", "#8a8f98")
"""Each has a contrast of at least 3 to white and to the page's dark background."""
_INK = "#010203"
"""Stands for the page's colour of text until the drawing is done."""
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",  # texts stay texts, in the page's font
    "text.parse_math": False,  # a $ begins no formula
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
}


def lines_chart(
    name: str, title: str, times: Sequence[datetime], series: Mapping[str, Sequence[float | None]], unit: str
) -> str:
    """A line for each series over the times; None where it has no value. One time alone is drawn as points."""

    def draw(axes: Axes) -> None:
        for number, (label, values) in enumerate(series.items()):
            known = [(at, value) for at, value in enumerate(values) if value is not None]
            axes.plot(*zip(*known, strict=True), marker="o", markersize=3.5, color=_colour(number), label=label)
        _nights(axes, times)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(unit)
        _legend(axes, len(series))

    return _chart(name, title, draw)


def stacked_chart(
    name: str, title: str, times: Sequence[datetime], series: Mapping[str, Sequence[float]], unit: str
) -> str:
    """A bar for each time, of the series on top of each other."""

    def draw(axes: Axes) -> None:
        tops = [0.0] * len(times)
        for number, (label, values) in enumerate(series.items()):
            axes.bar(range(len(times)), values, width=0.8, bottom=tops, color=_colour(number), label=label)
            tops = [top + value for top, value in zip(tops, values, strict=True)]
        axes.grid(visible=False, axis="x")
        axes.set_xlim(-0.6, max(len(times), 6) - 0.4)
        _nights(axes, times)
        axes.set_ylabel(unit)
        _legend(axes, len(series))

    return _chart(name, title, draw)


def calibration_chart(name: str, title: str, bins: Sequence[Mapping[str, float]]) -> str:
    """Said probability against the share that was right; a point grows with the tags that it stands for."""

    def draw(axes: Axes) -> None:
        most = max(row["num"] for row in bins)
        said, right = [row["mean_probability"] for row in bins], [row["share_right"] for row in bins]
        axes.plot([0, 1], [0, 1], linestyle="--", color=_INK, alpha=0.5, label="what is said is right")
        axes.plot(said, right, color=_colour(0), label="this run")
        sizes = [12 + 130 * row["num"] / most for row in bins]
        axes.scatter(said, right, s=sizes, color=_colour(0), alpha=0.75, zorder=3)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("probability that was said")
        axes.set_ylabel("share that was right")
        axes.legend(loc="upper left")

    return _chart(name, title, draw)


def _nights(axes: Axes, times: Sequence[datetime]) -> None:
    """Name at most six of the nights by their date, the last one always."""
    step = max(1, -(-len(times) // 6))
    shown = list(range(len(times) - 1, -1, -step))
    axes.set_xticks(shown, [f"{times[at]:%d %b}" for at in shown])


def _legend(axes: Axes, num: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(num, 4), borderaxespad=0.2, handlelength=1.2)


def _colour(number: int) -> str:
    return COLOURS[min(number, len(COLOURS) - 1)]


def _chart(name: str, title: str, draw: Any) -> str:
    """The drawing as inline SVG. `name` is unique in the page: the drawing's own names begin with it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_RC, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a sign that no font has is still drawn by the browser
        figure = Figure(figsize=(4.4, 2.7), layout="constrained")
        draw(figure.subplots())
        return _inline(figure, name, title)


def _inline(figure: Figure, name: str, title: str) -> str:
    file = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(_INK, "currentColor")
    drawing = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    drawing = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', _opened(title), drawing, count=1)
    drawing = re.sub(r"<style[^>]*>.*?</style>|<metadata>.*?</metadata>|<!--.*?-->", "", drawing, flags=re.DOTALL)
    return f'<div class="chart">{drawing}</div>'


def _opened(title: str) -> str:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return rf'<svg {names} viewBox="\g<1>" role="img" aria-label="{title}">'
