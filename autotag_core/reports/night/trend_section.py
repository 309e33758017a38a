"""The section of the report on what rises."""

from __future__ import annotations

from itertools import groupby

from autotag_core.reports.night import night_queries as sql
from autotag_core.reports.night.night_report import NightReport
from autotag_core.reports.night.rising_items import NUM_RISING, RisingItem
from autotag_core.reports.page_parts import text_of
from autotag_core.reports.section_parts import section, table

_NAMES = {
    ("query", "hour"): "Searches, now",
    ("query", "day"): "Searches, these days",
    ("tag", "hour"): "Tags, now",
    ("tag", "day"): "Tags, these days",
    ("gif", "hour"): "GIFs, now",
    ("gif", "day"): "GIFs, these days",
}


def trends_section(report: NightReport, tables: sql.Tables) -> str:
    """What rises above its own usual. Empty where the run took no trends."""
    if report.rising is None:
        return ""
    when = f" up to {report.rising[0].as_of:%Y-%m-%d %H:%M} UTC" if report.rising else ""
    lead = (
        f"What people searched for and looked at{when}, far more than is usual for it at this hour and weekday. "
        "Does a search that rises find what people mean?"
    )
    found = {key: list(rows) for key, rows in groupby(report.rising, key=lambda one: (one.kind, one.period))}
    lists = [
        f"<div><h3>{name}</h3>{table(['what', '#events', '#usual', '#hours'], map(_row, found[key]))}</div>"
        for key, name in _NAMES.items()
        if key in found
    ]
    body = f'<div class="columns">{"".join(lists)}</div>' if lists else "<p>Nothing.</p>"
    return section("trends", "What rises", lead, body, what_rises=sql.trends_sql(tables, NUM_RISING))


def _row(one: RisingItem) -> list[str]:
    return [text_of(one.item), f"{one.observed:,}", f"{one.expected:,.1f}", f"{one.window_hours}"]
