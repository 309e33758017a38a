"""Sections of the report about tags and GIFs: what an editor looks at first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from autotag_core.reports.night import night_queries as sql
from autotag_core.reports.night.covered_searches import ENOUGH, Coverage, Searched
from autotag_core.reports.night.night_report import NUM_ADDED, NUM_MOVERS, NUM_SUSPICIOUS, NightReport
from autotag_core.reports.night.viewed_tags import ViewedTag
from autotag_core.reports.page_parts import text_of
from autotag_core.reports.section_parts import change, figure, figures, percent, section, table

WHAT_BECAME = {
    "confirmed": "own tags that the vote confirms",
    "unconfirmed": "own tags that the vote demotes",
    "voted": "tags that the vote adds",
    "editorial": "tags by an editor, kept",
    "original": "own tags of GIFs that nobody judged, kept",
    "refused": "tags that an editor refused; not in the published dataset",
    "proposed": "tags that only the rule vote.rule would add; not in the published dataset",
}
"""What became of a tag, by its source."""


def suspicious_section(report: NightReport, tables: sql.Tables) -> str:
    """Own tags that evidence speaks against."""
    lead = (
        "Tags that uploaders gave and that evidence speaks against, on the GIFs that most people see. "
        "Is the tag wrong, or is the GIF unlike its look-alikes?"
    )
    body = _gifs(report, report.suspicious, "down") or "<p>None.</p>"
    queries = {"suspicious_tags": sql.suspicious_sql(tables, NUM_SUSPICIOUS)}
    return section("suspicious", "Suspicious tags", lead, body, **queries)


def added_section(report: NightReport, tables: sql.Tables) -> str:
    """Likely tags that the vote added."""
    lead = "Tags that the vote added to the GIFs that most people see, with the chance that each is right: from 50% on."
    body = _gifs(report, report.added, "up") or "<p>None.</p>"
    return section("added", "New tags", lead, body, new_tags=sql.added_sql(tables, NUM_ADDED))


def _gifs(report: NightReport, tags: Sequence[ViewedTag], kind: str) -> str:
    parts = []
    for gif_id, rows in groupby(tags, key=lambda tag: tag.gif_id):
        found = list(rows)
        said = "<br>".join(f'<b class="{kind}">{text_of(tag.tag)}</b> {_chance(tag)}' for tag in found)
        caption = f"{said}<br>{found[0].popularity:,} views<br><small>{text_of(gif_id)}</small>"
        parts.append(figure(gif_id, report.thumbnails.get(gif_id), caption))
    return figures(parts) if parts else ""


def _chance(tag: ViewedTag) -> str:
    return "nobody votes for it" if tag.probability is None else f"{100 * tag.probability:.0f}% likely"


def changes_section(report: NightReport, tables: sql.Tables, before: sql.Tables | None) -> str:
    """GIFs and tags by what became of them, beside the release before."""
    has_before = report.earlier is not None
    heads = ["what", "#this release", *(["#the one before", "#change"] if has_before else [])]
    gifs, rows = report.gifs, []
    num_before = None if gifs.added is None or gifs.gone is None else gifs.num - gifs.added + gifs.gone
    rows.append(_row("GIFs in the catalog", gifs.num, num_before))
    for source, about in WHAT_BECAME.items():
        num, earlier = report.sources.get(source, 0), report.sources_before.get(source, 0) if has_before else None
        if num or earlier:
            rows.append(_row(f"{about} <small>{source}</small>", num, earlier))
    own = sum(report.sources.get(source, 0) for source in ("confirmed", "unconfirmed"))
    said = f"Of {own:,} own tags that were judged, {percent(report.sources.get('confirmed', 0), own)} were confirmed."
    if gifs.added is not None:
        said += f" {gifs.added:,} GIFs are new, {gifs.gone:,} are gone."
    queries = {"GIFs": sql.gifs_sql(tables, before), "tags": sql.sources_sql(tables)}
    if before is not None:
        queries["tags_of_the_release_before"] = sql.sources_sql(before)
    return section("changes", "What changed", said, table(heads, rows), **queries)


def _row(name: str, num: int, before: int | None) -> list[str]:
    return [name, f"{num:,}", *([] if before is None else [f"{before:,}", change(before, num) or "0"])]


def movers_section(report: NightReport, tables: sql.Tables, before: sql.Tables | None) -> str:
    """The tags whose number of GIFs changed most."""
    since = "the release before" if before is not None else "what uploaders wrote"
    lead = (
        f"The tags whose number of GIFs changed most since {since}. A GIF has a tag that an editor gave, or that is at "
        "least 50% likely. A sudden jump of one tag can be a mistake."
    )
    rows = [
        [text_of(one.tag), f"{one.before:,}", f"{one.after:,}", change(one.before, one.after)] for one in report.movers
    ]
    body = table(["tag", "#GIFs before", "#GIFs now", "#change"], rows) if rows else "<p>No tag moved.</p>"
    return section("movers", "Biggest movers", lead, body, movers=sql.movers_sql(tables, before, NUM_MOVERS))


def coverage_section(report: NightReport, tables: sql.Tables, before: sql.Tables | None) -> str:
    """Searches that find GIFs, before and after. Empty where the run was given no searches."""
    found = report.coverage
    if found is None:
        return ""
    lead = (
        f"How many of {found.num_searches:,} different searches have GIFs with a tag of these very words, given by an "
        "editor or at least 50% likely; as uploaded: any own tag. Search also looks at captions and written text."
    )
    names = ["as uploaded", *(["the release before"] if found.found[1] is not None else []), "this release"]
    rows = [
        _coverage_row("at least one GIF", found.found, found),
        _coverage_row(f"{ENOUGH} or more", found.enough, found),
    ]
    body = table(["searches that have", *(f"#{name}" for name in names)], rows)
    gained = table(["search", *(f"#{name}" for name in names)], (_searched(one) for one in found.gained))
    missing = ", ".join(text_of(one.query) for one in found.missing)
    lists = f"<div><h3>Gained most GIFs</h3>{gained}</div>" if found.gained else ""
    lists += f"<div><h3>Still find nothing</h3><p>{missing}</p></div>" if found.missing else ""
    body += f'<div class="columns">{lists}</div>'
    return section("coverage", "Searches", lead, body, coverage=sql.coverage_sql(tables, before))


def _coverage_row(name: str, counts: Iterable[int | None], found: Coverage) -> list[str]:
    known = [num for num in counts if num is not None]
    return [name, *(f"{num:,} <small>{percent(num, found.num_searches)}</small>" for num in known)]


def _searched(one: Searched) -> list[str]:
    return [text_of(one.query), *(f"{num:,}" for num in (one.uploaded, one.before, one.after) if num is not None)]


def groups_section(report: NightReport, tables: sql.Tables) -> str:
    """Near duplicates. Empty where nobody looked for them."""
    groups = report.groups
    if groups is None:
        return ""
    lead = f"{groups.num_gifs:,} GIFs are near copies of another one, in {groups.num_groups:,} groups. "
    lead += "A group votes once. The largest groups:" if groups.largest else ""
    parts = [
        f"<div><h3>{size:,} copies</h3>"
        + figures(figure(gif_id, report.thumbnails.get(gif_id), text_of(gif_id)) for gif_id in members)
        + "</div>"
        for _, size, members in groups.largest
    ]
    queries = {"groups": sql.groups_sql(tables), "largest_groups": sql.largest_groups_sql(tables)}
    return section("copies", "Near duplicates", lead, f'<div class="columns">{"".join(parts)}</div>', **queries)
