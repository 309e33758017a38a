"""What a page about a night says, read from the tables of the run and of the release before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.reports.gif_thumbnails import Thumbnail, read_thumbnails
from autotag_core.reports.night.catalog_gifs import CatalogGifs, read_gifs
from autotag_core.reports.night.covered_searches import Coverage, count_uploaded, search_coverage
from autotag_core.reports.night.failed_items import FailedItems, failed_items
from autotag_core.reports.night.largest_groups import Groups, read_groups
from autotag_core.reports.night.rising_items import RisingItem, read_rising
from autotag_core.reports.night.run_courses import ExpertWeight, read_weights, runs_until
from autotag_core.reports.night.tag_counts import COLUMNS, Mover, TagTally, by_source, had_tags, movers, own_tags, tally
from autotag_core.reports.night.viewed_tags import MostViewed, ViewedTag, is_added, is_suspicious
from autotag_core.tables import CATALOG, FAILURES, RELATED_SEARCHES, VOTED_TAGS
from autotag_core.warehouse import RunRecord, current_release, list_runs, read_table, scan_table

NUM_SUSPICIOUS = 24
NUM_ADDED = 24
NUM_MOVERS = 16


@dataclass(frozen=True)
class GifChanges:
    """The catalog's GIFs, and those that were not in the release before or are no longer there; None without one."""

    num: int
    added: int | None
    gone: int | None


@dataclass(frozen=True)
class NightReport:
    """Everything that the page shows. `earlier` is the release before; None where there is none to compare with."""

    warehouse: str
    run: RunRecord
    earlier: RunRecord | None
    runs: list[RunRecord]
    """The last runs, oldest first."""
    gifs: GifChanges
    sources: dict[str, int]
    sources_before: dict[str, int]
    movers: list[Mover]
    suspicious: list[ViewedTag]
    added: list[ViewedTag]
    weights: list[ExpertWeight]
    failures: list[FailedItems]
    groups: Groups | None
    coverage: Coverage | None
    rising: list[RisingItem] | None
    """None where the run had no trends."""
    calibration: dict[str, Any]
    thumbnails: dict[str, Thumbnail] = field(default_factory=dict)


def read_night(warehouse: str, run_id: str | None = None) -> NightReport:
    """The report on a published run, by default the current release. InputError where the run published nothing.

    Cost: one pass over catalog, failures and duplicates, over five narrow columns of voted_tags, and over two columns
    of each in the release before. That is seconds for a million GIFs, and grows with them. Memory: 16 bytes a GIF of
    both releases, and some 50 bytes for each distinct tag and search.
    """
    run, runs = current_release(warehouse, run_id), list_runs(warehouse)
    earlier = _earlier(runs, run)
    gifs = read_gifs(scan_table(warehouse, CATALOG.name, run, ["gif_id", "popularity"]))
    counts, suspicious, added = _survey_tags(warehouse, run, gifs)
    before = _counts_before(warehouse, earlier)
    gifs_before = _gifs_before(warehouse, earlier)
    if before is None or gifs_before is None:
        earlier = before = gifs_before = None
    groups, last = read_groups(warehouse, run), runs_until(runs, run)
    shown = [tag.gif_id for tag in (*suspicious, *added)]
    shown += [gif_id for _, _, members in (groups.largest if groups else []) for gif_id in members]
    return NightReport(
        warehouse=warehouse,
        run=run,
        earlier=earlier,
        runs=last,
        gifs=_gif_changes(gifs, gifs_before),
        sources=by_source(counts),
        sources_before=by_source(before) if before is not None else {},
        movers=_movers(counts, before),
        suspicious=suspicious,
        added=added,
        weights=read_weights(warehouse, last),
        failures=failed_items(scan_table(warehouse, FAILURES.name, run)),
        groups=groups,
        rising=read_rising(warehouse, run),
        coverage=_coverage(warehouse, run, counts, before),
        calibration=json.loads(run.calibration or "{}"),
        thumbnails=read_thumbnails(warehouse, run, shown),
    )


def _survey_tags(
    warehouse: str, run: RunRecord, gifs: CatalogGifs
) -> tuple[pa.Table, list[ViewedTag], list[ViewedTag]]:
    """The run's tags in one pass: their counts, and the suspicious and the added ones of the most viewed GIFs."""
    tags = TagTally()
    suspicious = MostViewed(gifs, NUM_SUSPICIOUS, least_probable_first=True)
    added = MostViewed(gifs, NUM_ADDED, least_probable_first=False)
    for batch in scan_table(warehouse, VOTED_TAGS.name, run, ["gif_id", *COLUMNS, "published_score"]):
        tags.add(batch)
        suspicious.add(batch, is_suspicious(batch))
        added.add(batch, is_added(batch))
    return tags.counts(), suspicious.tags(), added.tags()


def _earlier(runs: Sequence[RunRecord], run: RunRecord) -> RunRecord | None:
    """The release that readers saw before this one."""
    return next((one for one in reversed(runs) if one.is_release and one.sequence < run.sequence), None)


def _counts_before(warehouse: str, earlier: RunRecord | None) -> pa.Table | None:
    """Tags of the release before; None where they are no longer there."""
    if earlier is None:
        return None
    try:
        return tally(scan_table(warehouse, VOTED_TAGS.name, earlier, COLUMNS))
    except InputError:  # warehouse.keep_releases has dropped it
        return None


def _gifs_before(warehouse: str, earlier: RunRecord | None) -> CatalogGifs | None:
    if earlier is None:
        return None
    try:
        return read_gifs(scan_table(warehouse, CATALOG.name, earlier, ["gif_id", "popularity"]))
    except InputError:
        return None


def _gif_changes(now: CatalogGifs, before: CatalogGifs | None) -> GifChanges:
    if before is None:
        return GifChanges(now.num, None, None)
    return GifChanges(now.num, now.num_missing_in(before), before.num_missing_in(now))


def _movers(counts: pa.Table, before: pa.Table | None) -> list[Mover]:
    """The biggest movers since the release before, else since the uploaders wrote their tags."""
    earlier = own_tags(counts) if before is None else had_tags(before)
    return movers(earlier, had_tags(counts), NUM_MOVERS)


def _coverage(warehouse: str, run: RunRecord, counts: pa.Table, before: pa.Table | None) -> Coverage | None:
    """The coverage of the run's searches; None where it was given none."""
    if RELATED_SEARCHES.name not in run.table_versions:
        return None
    queries = read_table(warehouse, RELATED_SEARCHES.name, run, ["query"])["query"]
    uploaded = count_uploaded(scan_table(warehouse, CATALOG.name, run, ["tags"]))
    earlier = had_tags(before) if before is not None else None
    return search_coverage(queries, uploaded, earlier, had_tags(counts))
