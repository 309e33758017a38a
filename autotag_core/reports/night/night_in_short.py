"""The night in a few sentences and numbers, each of which leads to its section."""

from __future__ import annotations

from collections.abc import Iterator

from autotag_core.reports.night.covered_searches import ENOUGH
from autotag_core.reports.night.night_report import NightReport
from autotag_core.reports.page_parts import text_of
from autotag_core.reports.section_parts import change, duration, percent

ACCEPTED = ", accepted"
"""How the note of a gate ends that was overruled."""


def in_short(report: NightReport) -> str:
    """A box of sentences, as HTML: what needs somebody first, then what the night did."""
    items = [*_warnings(report), *_news(report)]
    return f'<div class="look"><ul>{"".join(f"<li>{item}</li>" for item in items)}</ul></div>'


def _warnings(report: NightReport) -> Iterator[str]:
    for gate, seen in report.run.gates.items():
        if seen.endswith(ACCEPTED):
            yield _bad("gates", f"The gate {text_of(gate)} was overruled: {text_of(seen)}.")
    if report.calibration.get("ece") is None:
        yield _bad("calibration", "This run has no probabilities.")
    if report.failures:
        first = report.failures[0]
        num = sum(one.num for one in report.failures)
        most = f"most often by {text_of(first.reason)} ({first.num:,})"
        yield f'<a href="#failures">{num:,} items failed</a>, {most}.'


def _bad(anchor: str, text: str) -> str:
    return f'<a class="bad" href="#{anchor}">{text}</a>'


def _news(report: NightReport) -> Iterator[str]:
    sources, gifs = report.sources, report.gifs
    if report.suspicious:
        first = report.suspicious[0]
        about = f"the most viewed is <b>{text_of(first.tag)}</b> on a GIF with {first.popularity:,} views"
        yield f'<a href="#suspicious">Own tags look wrong</a>: {about}.'
    confirmed, demoted = (sources.get(source, 0) for source in ("confirmed", "unconfirmed"))
    if confirmed + demoted:
        added = sources.get("voted", 0) / max(gifs.num, 1)
        yield (
            f'Of the <a href="#changes">own tags</a> that were judged, the vote confirms '
            f"{percent(confirmed, confirmed + demoted)}. It adds {added:.1f} tags a GIF."
        )
    if report.coverage is not None:
        uploaded, _, after = report.coverage.enough
        num = report.coverage.num_searches
        yield (
            f'{percent(after, num)} of <a href="#coverage">searches</a> have {ENOUGH} GIFs or more. '
            f"By uploaders' tags it were {percent(uploaded, num)}."
        )
    if report.movers:
        one = report.movers[0]
        yield f'<a href="#movers">Moved most</a>: <b>{text_of(one.tag)}</b>, from {one.before:,} to {one.after:,} GIFs.'


def tiles(report: NightReport) -> str:
    """The night in some numbers."""
    sources, before = report.sources, report.sources_before if report.earlier is not None else None
    gifs, run = report.gifs, report.run
    news = "" if gifs.added is None else f"{gifs.added:,} new, {gifs.gone:,} gone"
    found = [_tile("changes", f"{gifs.num:,}", "GIFs", news)]
    for source, name in (("confirmed", "tags confirmed"), ("unconfirmed", "tags demoted"), ("voted", "tags added")):
        earlier = None if before is None else before.get(source, 0)
        found.append(_tile("changes", f"{sources.get(source, 0):,}", name, change(earlier, sources.get(source, 0))))
    if report.coverage is not None:
        uploaded, _, after = report.coverage.enough
        num = report.coverage.num_searches
        note = f"{percent(uploaded, num)} as uploaded"
        found.append(_tile("coverage", percent(after, num), f"of searches have {ENOUGH} GIFs", note))
    failed = sum(one.num for one in report.failures)
    found.append(_tile("failures", f"{failed:,}", "failures", ""))
    took = (run.finished - run.started).total_seconds()
    found.append(_tile("stages", duration(took), "the night took", ""))
    return f'<div class="tiles">{"".join(found)}</div>'


def _tile(anchor: str, number: str, name: str, note: str) -> str:
    return f'<a class="tile" href="#{anchor}"><b>{number}</b><span>{name}</span><small>{note or "&nbsp;"}</small></a>'
