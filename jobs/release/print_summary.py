"""What a person reads in ten seconds after a run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pyspark.sql import Row
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autotag_core.errors import cause
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, PEOPLE, RELATED_GIFS, VOTED_TAGS
from autotag_core.terminal import shown
from autotag_core.warehouse import UNCHANGED
from jobs.run.run import Run

PUBLISHED_WEIGHTS = {"semantic": 0.54, "imagenet": 0.33, "temporal": 0.28, "text": 0.20}
"""Experts' weights as the team that described the system reported them, GIPHY 2020."""
_NUM_EXAMPLES = 3
_NUM_TAGS = 8


def print_summary(run: Run, console: Console | None = None, warehouse: str | None = None) -> None:
    """Print rows and seconds by stage, failures, weights, what became of the tags, three GIFs before and after.

    `warehouse` is what the reader should call it, where that is not what the run called it. It never fails: the run is
    published, and a summary that can't be made must not look like a run that failed.
    """
    console = console or Console(width=None if Console().is_terminal else 120)
    try:
        for part in _parts(run, warehouse or run.warehouse):
            console.print(Text(shown(part)) if isinstance(part, str) else part)
    except Exception as error:
        run.log.warning("the run is published, but its summary can't be printed", reason=cause(error))


def _parts(run: Run, warehouse: str) -> Iterator[str | Text | Table]:
    """The summary from top to bottom. Texts are printed as they are: a tag may look like markup or an emoji's code."""
    if run.facts.status == UNCHANGED and run.base is not None:
        yield Text(f"\nNothing has changed since run {run.base.run_id} in {warehouse}: it stays", style="bold")
        yield _stage_table(run)
        return
    yield Text(f"\nPublished run {run.run_id} in {warehouse}", style="bold")
    yield _stage_table(run)
    failures = ", ".join(
        f"{count} x {name}" for name, count in sorted(run.failures.counts.items(), key=lambda item: -item[1])
    )
    yield f"Failures: {failures or 'none'}"
    yield _weight_table(run)
    sources = {row["source"]: row["count"] for row in run.tables.read(VOTED_TAGS).groupBy("source").count().collect()}
    yield (
        f"Tags: {sources.get('confirmed', 0)} confirmed, {sources.get('unconfirmed', 0)} demoted, "
        f"{sources.get('voted', 0)} added, {sources.get('editorial', 0) + sources.get('original', 0)} kept untouched; "
        f"{sources.get('proposed', 0)} more proposed by the rule {run.config.vote.rule}"
    )
    yield _calibration_line(run)
    if run.tables.has(RELATED_GIFS):
        yield _related_line(run)
    if run.tables.has(PEOPLE):
        yield _people_line(run)
    for example in _examples(run):
        yield f"  {example['gif_id']}: {', '.join(example['tags']) or 'no tags'}"
        yield f"    -> {', '.join(_tag_text(tag) for tag in example['voted'][:_NUM_TAGS])}"
    if run.facts.elasticsearch_index:
        yield f"Search: index {run.facts.elasticsearch_index}"
    yield f"Next: autotag explain --warehouse {warehouse} GIF_ID"
    if run.facts.report:
        yield f"Report: {warehouse}{run.facts.report.removeprefix(run.warehouse)}"


def _stage_table(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("stage", "rows in", "rows out", "seconds"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for name in (name for name in run.facts.seconds if ":" not in name):
        rows = (str(rows.get(name, "")) for rows in (run.facts.rows_in, run.facts.rows_out))
        table.add_row(name, *rows, f"{run.facts.seconds[name]:.1f}")
        for part in (part for part in run.facts.seconds if part.startswith(f"{name}:")):
            table.add_row(f"  {part.partition(':')[2]}, all tasks", "", "", f"{run.facts.seconds[part]:.1f}")
    return table


def _weight_table(run: Run) -> Table:
    """Each expert's weight beside the published one, with its interval, what it rests on, and its share on new tags."""
    table = Table(box=None, pad_edge=False)
    columns = (
        "expert",
        "weight",
        "95% interval",
        "GIFs",
        "counting abstentions",
        "published",
        "on new tags",
        "95% interval",
    )
    for name in columns:
        table.add_column(name, justify="left" if name == "expert" else "right")
    rows = run.tables.read(EXPERT_WEIGHTS).orderBy("expert").collect()
    for row in rows:
        new = row["weight_on_new_tags"]
        table.add_row(
            row["expert"],
            f"{row['weight']:.3f}",
            f"{row['weight_low']:.3f} to {row['weight_high']:.3f}",
            f"{row['num_correct']} of {row['num_evaluated']} {row['evaluated_on']}",
            f"{row['weight_of_all']:.3f}",
            f"{PUBLISHED_WEIGHTS[row['expert']]:.2f}" if row["expert"] in PUBLISHED_WEIGHTS else "",
            "-" if new is None else f"{new:.3f}",
            "-" if new is None else f"{row['weight_on_new_tags_low']:.3f} to {row['weight_on_new_tags_high']:.3f}",
        )
    return table


def _related_line(run: Run) -> str:
    counts = {row["source"]: row["count"] for row in run.tables.read(RELATED_GIFS).groupBy("source").count().collect()}
    parts = [f"{run.facts.rows_out['related_tags']} tags"]
    parts.append(f"{sum(counts.values())} GIFs ({counts.get('sessions', 0)} from sessions)")
    parts += [f"{run.facts.rows_out['related_searches']} searches"] if "related_searches" in run.facts.rows_out else []
    return f"Related: {', '.join(parts)}"


def _people_line(run: Run) -> str:
    known = F.count_if("known")
    (row,) = (
        run.tables.read(PEOPLE).agg(F.count_distinct("gif_id"), F.count("*"), known, F.count_distinct("name")).collect()
    )
    return f"People: {row[1]} in {row[0]} GIFs, {row[2]} of them known ({row[3]} names)"


def _calibration_line(run: Run) -> str:
    found = json.loads(run.facts.calibration or "{}")
    if found.get("ece") is None:
        why = found.get("reason") or "; ".join(
            f"{kind}: {found[kind]['reason']}" for kind in ("own", "proposed") if found.get(kind, {}).get("reason")
        )
        return f"Probabilities: none ({why})"
    return (
        f"Probabilities: calibration error {found['ece']:.3f} on validation GIFs "
        f"(own tags: {found['own']['method'] or 'none'}, proposed: {found['proposed']['method'] or 'none'})"
    )


def _examples(run: Run) -> list[Row]:
    """Train GIFs with the most kinds of change, at most three. Ties: the most popular first, then by gif_id."""
    tag = F.struct("confidence", "tag", "source")
    voted_df = (
        run.tables.read(VOTED_TAGS)
        .where(~F.col("source").isin("proposed", "refused"))
        .groupBy("gif_id")
        .agg(
            F.array_sort(F.collect_list(tag)).alias("voted"),
            F.count_distinct(F.when(F.col("source").isin("voted", "unconfirmed"), F.col("source"))).alias("changes"),
        )
        .where("changes > 0")
    )
    catalog_df = run.tables.read(CATALOG).select("gif_id", "tags", "popularity")
    ranked_df = voted_df.join(catalog_df, "gif_id").orderBy(F.desc("changes"), F.desc("popularity"), "gif_id")
    return ranked_df.limit(_NUM_EXAMPLES).withColumn("voted", F.reverse("voted")).collect()


def _tag_text(tag: Row) -> str:
    mark = {"voted": "+", "proposed": "?", "unconfirmed": "-"}.get(tag["source"], "")
    return f"{mark}{tag['tag']} {tag['confidence']:.2f}"
