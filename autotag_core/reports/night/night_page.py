"""The report on a night as one page: no script, nothing from elsewhere, texts of uploaders as text."""

from __future__ import annotations

import html
from collections.abc import Iterator

from autotag_core.reports.night import night_queries as sql
from autotag_core.reports.night import run_sections, tag_sections, trend_section
from autotag_core.reports.night.night_in_short import in_short, tiles
from autotag_core.reports.night.night_report import NightReport
from autotag_core.reports.page_parts import head, text_of
from autotag_core.reports.page_style import STYLE


def night_page(report: NightReport) -> Iterator[str]:
    """The page as HTML, in parts: in short, what an editor should look at, then the numbers."""
    tables = sql.Tables(report.warehouse, report.run)
    before = sql.Tables(report.warehouse, report.earlier) if report.earlier is not None else None
    when = report.run.finished
    yield head(f"autotag, night of {when:%Y-%m-%d}", STYLE)
    yield f"<header><h1>Night of {when:%A, %d %B %Y}</h1>{_about(report)}</header>"
    sections = [
        tag_sections.suspicious_section(report, tables),
        tag_sections.added_section(report, tables),
        tag_sections.changes_section(report, tables, before),
        tag_sections.coverage_section(report, tables, before),
        trend_section.trends_section(report, tables),
        tag_sections.movers_section(report, tables, before),
        tag_sections.groups_section(report, tables),
        run_sections.experts_section(report, tables),
        run_sections.calibration_section(report, tables),
        run_sections.failures_section(report, tables),
        run_sections.gates_section(report, tables),
        run_sections.stages_section(report, tables),
    ]
    yield tiles(report) + in_short(report) + _nav(sections)
    yield from sections
    yield f'<section id="sql"><h2>To run the SQL</h2><pre><code>{html.escape(sql.PREPARE)}</code></pre></section>'
    yield "</body></html>\n"


def _about(report: NightReport) -> str:
    run = report.run
    against = f"compared with run {report.earlier.run_id}" if report.earlier else "no earlier release to compare with"
    return f'<p class="soft">Run {run.run_id} in {text_of(report.warehouse)}, {against}.</p>'


_NAMES = {
    "suspicious": "Suspicious tags",
    "added": "New tags",
    "changes": "What changed",
    "coverage": "Searches",
    "trends": "What rises",
    "movers": "Biggest movers",
    "copies": "Near duplicates",
    "experts": "Experts",
    "calibration": "Probabilities",
    "failures": "Failures",
    "gates": "Gates",
    "stages": "Stages and cost",
}


def _nav(sections: list[str]) -> str:
    links = [
        f'<a href="#{anchor}">{name}</a>'
        for anchor, name in _NAMES.items()
        if any(part.startswith(f'<section id="{anchor}"') for part in sections)
    ]
    return f"<nav>{''.join(links)}</nav>"
