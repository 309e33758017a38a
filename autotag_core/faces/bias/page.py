"""The report on bias as a page: a table for each attribute."""

from __future__ import annotations

from collections.abc import Iterator

from autotag_core.faces.bias.groups import RATES, BiasReport, GroupReport, Rate
from autotag_core.reports.page_parts import head, text_of

_STYLE = (
    ":root{color-scheme:light dark}body{font-family:sans-serif;margin:1.5em;color:#222;background:#fff;max-width:75em}"
    "div{overflow-x:auto}table{border-collapse:collapse;margin:1em 0}"
    "th,td{border-bottom:1px solid #ccc;padding:.4em .8em;text-align:left;vertical-align:top}"
    "tbody th{overflow-wrap:anywhere;min-width:6em;max-width:14em}small{display:block;color:#666}"
    "meter{width:7em;display:block}td.differs{background:#fde8e0;font-weight:bold}h2{overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}small{color:#999}"
    "th,td{border-color:#444}td.differs{background:#5a2410}}"
)
_HEADINGS = {"detected": "Face found", "right": "Right name", "wrong": "Wrong name"}


def bias_page(report: BiasReport) -> Iterator[str]:
    """The page as HTML, in parts."""
    title = "Who is enrolled, found and named"
    yield (
        f"{head(title, _STYLE)}<h1>{title}</h1>"
        f"<p>{report.num_people:,} enrolled people have a known attribute. {report.num_pictures:,} held-out pictures "
        f"show them; {report.num_left_out:,} more were left out: enrolled, not readable, or of somebody else.</p>"
        "<p>Below each share: how many, and the 95% interval (Wilson). Marked with * are differences that exceed "
        "chance: from the reference share, or from everybody else's pictures. All tests of the page are corrected "
        "together (Holm, 5%). An unmarked difference may still be real: few pictures show little.</p>"
    )
    for attribute in report.gaps:
        yield f"<section><h2>{text_of(attribute)}</h2><div><table><thead><tr><th>Group</th><th>Enrolled people</th>"
        yield f"<th>Reference</th>{''.join(f'<th>{_HEADINGS[name]}</th>' for name in RATES)}</tr></thead><tbody>"
        yield from (_row(one) for one in report.groups if one.group.attribute == attribute)
        gaps = ", ".join(f"{_HEADINGS[name].lower()} {100 * gap:.1f}" for name, gap in report.gaps[attribute].items())
        yield f"</tbody></table></div><p>Largest difference between two groups, in points: {gaps}.</p></section>"
    yield "</body></html>\n"


def _row(one: GroupReport) -> str:
    wanted = "none given" if one.reference is None else f"{100 * one.reference:.1f}%"
    rates = "".join(_cell(one.rates[name]) for name in RATES)
    return f'<tr><th scope="row">{text_of(one.group.value)}</th>{_cell(one.people)}<td>{wanted}</td>{rates}</tr>'


def _cell(rate: Rate) -> str:
    if rate.share is None:
        return "<td>no pictures</td>"
    mark = f" *<small>chance {rate.chance:.2g}</small>" if rate.differs else ""
    return (
        f'<td class="{"differs" if rate.differs else "same"}">{100 * rate.share:.1f}%{mark}'
        f'<meter min="0" max="1" value="{rate.share:.4f}"></meter>'
        f"<small>{rate.num:,} of {rate.of:,}, {100 * rate.low:.1f} to {100 * rate.high:.1f}%</small></td>"
    )
