"""What sections of pages are made of: a heading with its SQL, tables, figures of GIFs. Texts come in escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from autotag_core.reports.gif_thumbnails import Thumbnail
from autotag_core.reports.page_parts import text_of


def section(anchor: str, title: str, lead: str, body: str, **queries: str) -> str:
    """A section under its anchor. `queries` are its SQL by what it gives; they are folded."""
    sql = "".join(
        f"<h3>{name.replace('_', ' ')}</h3><pre><code>{html.escape(query)}</code></pre>"
        for name, query in queries.items()
    )
    folded = f"<details><summary>The SQL that gives these numbers</summary>{sql}</details>" if sql else ""
    return f'<section id="{anchor}"><h2>{title}</h2><p class="soft">{lead}</p>{body}{folded}</section>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of HTML cells. A head that begins with # is of a column of numbers."""
    kinds = [' class="num"' if head.startswith("#") else "" for head in heads]
    head = "".join(f'<th scope="col"{kind}>{name.lstrip("#")}</th>' for name, kind in zip(heads, kinds, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(gif_id: str, thumbnail: Thumbnail | None, caption: str) -> str:
    """A GIF that plays, or stands still for readers who want less motion, over an HTML caption."""
    if thumbnail is None or thumbnail.moving is None:
        why = thumbnail.error if thumbnail else "not shown: this page has enough pictures"
        picture = f'<div class="none">{text_of(why)}</div>'
    else:
        picture = (
            f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{thumbnail.still}">'
            f'<img src="{thumbnail.moving}" alt="{text_of(thumbnail.caption or gif_id)}"></picture>'
        )
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def figures(parts: Iterable[str]) -> str:
    """Figures side by side."""
    return f'<div class="gifs">{"".join(parts)}</div>'


def change(before: int | None, after: int) -> str:
    """By how much a number has changed, as HTML; empty where nothing is known or has."""
    if before is None or before == after:
        return ""
    return f'<span class="change">{after - before:+,}</span>'


def percent(num: float, of: float) -> str:
    """The share in percent; a dash where there is nothing to take it of."""
    return f"{100 * num / of:.0f}%" if of else "-"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
