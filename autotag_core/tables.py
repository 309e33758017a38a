"""Every table of the warehouse, in the order in which data flows: name, columns with units, key and partitioning."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from autotag_core.errors import AutotagError


@dataclass(frozen=True)
class Table:
    """A table's contract; `key` columns are unique, `partition_by` columns are folders."""

    name: str
    row: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    is_ordered: bool = False
    """Whoever writes it has put the rows in an order that means something; else each file is sorted by the key."""


def _column(name: str, kind: pa.DataType, about: str, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"comment": about})


_STRINGS = pa.list_(pa.string())

CATALOG = Table(
    "catalog",
    "a GIF",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key, not empty"),
            _column("uri", pa.string(), "absolute: s3a://bucket/key or a local path"),
            _column("tags", _STRINGS, "uploaders' tags, trimmed, distinct, in their order"),
            _column("editorial_tags", _STRINGS, "tags by an editor, same form; empty if none"),
            _column("caption", pa.string(), "text shown with the GIF, null if none"),
            _column("popularity", pa.int64(), "views or the like, 0 if unknown"),
            _column("version", pa.string(), "etag or content hash as the catalog gives it, null if it gives none"),
            _column("uploader", pa.string(), "who uploaded it, as the catalog says it; null where it does not"),
            _column("split", pa.string(), "train, validation or test"),
        ]
    ),
    ("gif_id",),
)

LABELS = Table(
    "labels",
    "a label of the vocabulary; versions of its own, written by `autotag labels` and by no nightly run",
    pa.schema(
        [
            _column("label_id", pa.int32(), "key; a label keeps it as long as it keeps its name"),
            _column("label", pa.string(), "the most common member, or the editor's name for it"),
            _column("members", _STRINGS, "normalised tags that count as it, alphabetical"),
            _column("num_gifs", pa.int64(), "GIFs with at least one member among their uploaders' tags"),
            _column("origin", pa.string(), "grouped, or editorial: an editor has decided on it"),
        ]
    ),
    ("label_id",),
)

LABEL_DECISIONS = Table(
    "label_decisions",
    "a normalised tag of the catalog, and what became of it",
    pa.schema(
        [
            _column("tag", pa.string(), "key, normalised"),
            _column("num_gifs", pa.int64(), "GIFs whose uploaders gave it"),
            _column("stage", pa.string(), "that decided: language, spelling, entities, grouping, vocabulary or editor"),
            _column("decision", pa.string(), "out, corrected, grouped, or founder of a group"),
            _column("why", pa.string(), "the evidence; empty where nothing was to decide"),
            _column("spelled", pa.string(), "its right spelling, mostly itself"),
            _column("grouped", pa.string(), "the tag that names its group; null where it is foreign or a name"),
            _column("label", pa.string(), "null where it is out of the vocabulary"),
        ]
    ),
    ("tag",),
)

LABEL_EDITS = Table(
    "label_edits",
    "a tag that an editor has decided on; his word holds in every later build",
    pa.schema(
        [
            _column("tag", pa.string(), "key, normalised"),
            _column("label", pa.string(), "the label it counts as; null: none"),
        ]
    ),
    ("tag",),
)

WRITTEN_TAGS = Table(
    "written_tags",
    "a GIF of a run that voted on labels: in its catalog `tags` are labels, here they are as uploaders wrote them",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("tags", _STRINGS, "trimmed, distinct, in their order"),
            _column("other_tags", _STRINGS, "those of them that are no member of a label: they took no part"),
        ]
    ),
    ("gif_id",),
)

_TEXT_LINE = pa.struct(
    [pa.field("text", pa.string()), pa.field("confidence", pa.float32()), pa.field("num_frames", pa.int32())]
)

MEDIA = Table(
    "media",
    "a GIF whose frames were read",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("version", pa.string(), "sha256 of the bytes, first 32 hex digits"),
            _column("width", pa.int32(), "canvas, pixels"),
            _column("height", pa.int32(), "canvas, pixels"),
            _column("num_frames", pa.int32(), "frames in the file"),
            _column("num_sampled", pa.int32(), "distinct frames that were embedded"),
            _column("duration_ms", pa.int64(), "playing time of one loop, milliseconds"),
            _column("num_bytes", pa.int64(), "size of the file"),
            _column("notes", _STRINGS, "what was unusual: still_image, single_frame, truncated, text_unread"),
            _column(
                "frame_hashes",
                pa.list_(pa.int64()),
                "perceptual hashes of 4 frames at even times, null for one with too little in it to tell",
            ),
            _column("frame_colors", pa.binary(), "of the same frames the quarters' mean RGB, 4 x 2 x 2 x 3 bytes"),
            _column("text", pa.string(), "what is written in it, lines joined with newlines; null where nothing is"),
            _column("text_lines", pa.list_(_TEXT_LINE), "in reading order; null where the GIF was not read"),
        ]
    ),
    ("gif_id",),
)

EMBEDDINGS = Table(
    "embeddings",
    "a GIF seen by an expert",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("expert", pa.string(), "key: imagenet, temporal, semantic, text"),
            _column("embedding", pa.list_(pa.float32()), "L2-normalised"),
            _column("model_version", pa.string(), "names the model, its weights and precision"),
            _column("version", pa.string(), "of what was embedded: hash of the bytes, of the tags or of the text"),
        ]
    ),
    ("gif_id", "expert"),
    ("expert",),
)

NEIGHBORS = Table(
    "neighbors",
    "a GIF's nearest train GIFs in an expert's space",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("expert", pa.string(), "key"),
            _column("neighbor_ids", _STRINGS, "nearest first, ties by gif_id, never the GIF itself"),
            _column("distances", pa.list_(pa.float32()), "1 - cosine, 0..2, ascending"),
        ]
    ),
    ("gif_id", "expert"),
    ("expert",),
)

DUPLICATES = Table(
    "duplicates",
    "a GIF that has near duplicates",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("group_id", pa.string(), "the group's smallest gif_id"),
            _column("group_size", pa.int64(), "GIFs in the group, 2 or more"),
        ]
    ),
    ("gif_id",),
)

_RELATED = [
    _column("related", _STRINGS, "nearest first, ties alphabetical, never the key itself"),
    _column("similarities", pa.list_(pa.float32()), "of each, cosine, -1..1, descending"),
]

RELATED_TAGS = Table(
    "related_tags",
    "a tag of the semantic space, and the tags that are used like it",
    pa.schema([_column("tag", pa.string(), "key, as uploaders write it"), *_RELATED]),
    ("tag",),
)

RELATED_GIFS = Table(
    "related_gifs",
    "a GIF, and the GIFs that people look at like it",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            *_RELATED,
            _column("source", pa.string(), "sessions, or tags: too few sessions hold it, these are train GIFs"),
        ]
    ),
    ("gif_id",),
)

RELATED_SEARCHES = Table(
    "related_searches",
    "a search, and the searches that people make in the same sessions; only with semantic.search_sessions",
    pa.schema([_column("query", pa.string(), "key, in lower case with single spaces"), *_RELATED]),
    ("query",),
)

EXPERT_WEIGHTS = Table(
    "expert_weights",
    "an expert",
    pa.schema(
        [
            _column("expert", pa.string(), "key"),
            _column("weight", pa.float64(), "num_correct over num_evaluated, 0..1"),
            _column("weight_low", pa.float64(), "lower end of its 95% interval"),
            _column("weight_high", pa.float64(), "upper end of its 95% interval"),
            _column(
                "weight_of_all",
                pa.float64(),
                "num_correct over all GIFs with a truth, as published: abstaining is wrong",
            ),
            _column("num_evaluated", pa.int64(), "GIFs with a truth for which the expert has neighbors"),
            _column("num_correct", pa.int64(), "of these, GIFs with at least one right predicted tag"),
            _column(
                "weight_on_new_tags",
                pa.float64(),
                "the same on tags the GIF did not have; null if the truth is its tags",
            ),
            _column("weight_on_new_tags_low", pa.float64(), "lower end of its 95% interval"),
            _column("weight_on_new_tags_high", pa.float64(), "upper end of its 95% interval"),
            _column("num_lacking", pa.int64(), "of the evaluated GIFs, those that lack a true tag: what it rests on"),
            _column("evaluated_on", pa.string(), "validation, or train (leave-one-out)"),
        ]
    ),
    ("expert",),
)

VOTED_TAGS = Table(
    "voted_tags",
    "a tag of a GIF",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("tag", pa.string(), "key"),
            _column(
                "confidence",
                pa.float32(),
                "0..1 by the published rule; 0 where source is proposed: not in the published dataset",
            ),
            _column(
                "source", pa.string(), "confirmed, unconfirmed, voted, editorial, original (kept untouched) or proposed"
            ),
            _column("published_score", pa.float32(), "the published rule's normalised vote, 0..1; 0 if none"),
            _column("score", pa.float32(), "by vote.rule, 0..1; 0 if none"),
            _column(
                "probability",
                pa.float32(),
                "calibrated chance that the tag is right; null where none is known or asked",
            ),
            _column(
                "accepted",
                pa.bool_(),
                "probability reaches the tag's threshold, or an editor gave it; null without vote.target_precision",
            ),
            _column("votes", pa.map_(pa.string(), pa.int32()), "neighbors with this tag, by expert"),
            _column("evidence", _STRINGS, "ids of these neighbors, sorted"),
        ]
    ),
    ("gif_id", "tag"),
)

TAG_THRESHOLDS = Table(
    "tag_thresholds",
    "a tag, and from which probability on it is accepted; without vote.target_precision none",
    pa.schema(
        [
            _column("tag", pa.string(), "key; null: every tag without a row"),
            _column("threshold", pa.float64(), "least probability; 2 where none reaches the target"),
            _column("num_examples", pa.int64(), "validation pairs at or above it"),
            _column(
                "precision",
                pa.float64(),
                "right share of pairs accepted by thresholds found without their GIF, or null",
            ),
            _column("origin", pa.string(), "own, or fallback: too little is known of the tag alone"),
        ]
    ),
    ("tag",),
)

_SEARCH_TAG = pa.struct(
    [
        pa.field("tag", pa.string()),
        pa.field("weight", pa.float32()),
        pa.field("confidence", pa.float32()),
        pa.field("accepted", pa.bool_()),
    ]
)

SEARCH_DOCUMENTS = Table(
    "search_documents",
    "a GIF as Elasticsearch holds it",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key, the document's _id"),
            _column(
                "tags",
                pa.list_(_SEARCH_TAG),
                "highest weight first, ties alphabetical; weight: 1 by editors, else probability, confidence or score",
            ),
            _column("caption", pa.string(), "null if none"),
            _column("text", pa.string(), "what is written in the GIF, null if nothing or unknown"),
            _column("popularity", pa.int64(), "0 if unknown"),
            _column("uri", pa.string(), "where the GIF is"),
            _column("related_gifs", _STRINGS, "gif_ids, nearest first; empty where none are known"),
            _column("written_tags", _STRINGS, "as uploaders wrote them, where `tags` are labels; else empty"),
        ]
    ),
    ("gif_id",),
)

TRAINING_EXAMPLES = Table(
    "training_examples",
    "a GIF that a model is trained, validated or tested on",
    pa.schema(
        [
            _column("gif_id", pa.string(), "key"),
            _column("split", pa.string(), "train, validation or test; no GIF of one has a copy in a later one"),
            _column("uri", pa.string(), "where the GIF is"),
            _column("version", pa.string(), "sha256 of its bytes, first 32 hex digits: what the labels are about"),
            _column("label_ids", pa.list_(pa.int32()), "of training_labels, ascending, at least one"),
            _column("confidences", pa.list_(pa.float32()), "of the same labels, 0..1 by the published rule"),
            _column("has_text", pa.bool_(), "something is written in it: it must not be mirrored"),
            _column("num_frames", pa.int32(), "frames in the file"),
            _column("duration_ms", pa.int64(), "playing time of one loop, milliseconds"),
            _column(
                "frames",
                pa.list_(pa.binary()),
                "the sampled frames in order, as training.frames says, of frames.size pixels; null: fetch uri",
            ),
        ]
    ),
    ("gif_id",),
    is_ordered=True,
)

TRAINING_LABELS = Table(
    "training_labels",
    "a label of training_examples",
    pa.schema(
        [
            _column("label_id", pa.int32(), "key, from 0 in the order of the labels, of this run alone"),
            _column("label", pa.string(), "a tag of voted_tags"),
            _column("num_examples", pa.int64(), "train examples with it"),
            _column("num_held_out", pa.int64(), "validation and test examples with it"),
        ]
    ),
    ("label_id",),
)

TRAINING_FUNNEL = Table(
    "training_funnel",
    "a step from the catalog to the examples, in a split",
    pa.schema(
        [
            _column("position", pa.int32(), "key: order of the steps, from 0"),
            _column("step", pa.string(), "catalog, frames, length, label_before_voting, label, leak or example"),
            _column("split", pa.string(), "key: train, validation or test"),
            _column(
                "num_gifs",
                pa.int64(),
                "GIFs that are left after this step; label_before_voting only says how many had one, none leaves there",
            ),
            _column("num_left_by_reason", pa.map_(pa.string(), pa.int64()), "GIFs that left at this step, by reason"),
        ]
    ),
    ("position", "split"),
)

FAILURES = Table(
    "failures",
    "an item that could not be done",
    pa.schema(
        [
            _column("gif_id", pa.string(), "null where the item has none"),
            _column("stage", pa.string(), "autotag_core.failures.Stage"),
            _column("reason", pa.string(), "autotag_core.failures.Reason"),
            _column("message", pa.string(), "what was seen and what would be right"),
        ]
    ),
    (),
)

_COUNTS = pa.map_(pa.string(), pa.int64())

RUNS = Table(
    "runs",
    "a run of the job; of the rows published and rolled_back the one with the greatest sequence is the current release",
    pa.schema(
        [
            _column("run_id", pa.string(), "key, starts with the UTC time"),
            _column("sequence", pa.int64(), "order in which the rows were appended, from 1"),
            _column("started", pa.timestamp("us", tz="UTC"), "by the clock of the driver"),
            _column("finished", pa.timestamp("us", tz="UTC"), "by the clock of the driver"),
            _column("status", pa.string(), "published, unchanged, failed, not_published or rolled_back"),
            _column("message", pa.string(), "why it was not published; null otherwise"),
            _column("release_of", pa.string(), "the run whose tables these are; another one after a rollback"),
            _column("table_versions", _COUNTS, "Delta version of each table; empty unless published"),
            _column("elasticsearch_index", pa.string(), "the index the alias was moved to; null if none"),
            _column("config", pa.string(), "every setting, JSON, no credentials"),
            _column("inputs", pa.map_(pa.string(), pa.string()), "catalog, sessions, model versions"),
            _column("rows_in", _COUNTS, "by stage"),
            _column("rows_out", _COUNTS, "by stage"),
            _column(
                "seconds",
                pa.map_(pa.string(), pa.float64()),
                "by stage; frames:fetch, :decode, :text, :models are of all tasks together",
            ),
            _column("failures", _COUNTS, "by stage:reason"),
            _column(
                "calibration",
                pa.string(),
                "how scores become probabilities, with its reliability table, JSON; or why not",
            ),
            _column("gates", pa.map_(pa.string(), pa.string()), "by check: passed, or what was seen"),
        ]
    ),
    ("run_id",),
)

TABLES = {
    table.name: table
    for table in (
        CATALOG,
        LABELS,
        LABEL_DECISIONS,
        LABEL_EDITS,
        WRITTEN_TAGS,
        MEDIA,
        EMBEDDINGS,
        NEIGHBORS,
        DUPLICATES,
        RELATED_TAGS,
        RELATED_GIFS,
        RELATED_SEARCHES,
        EXPERT_WEIGHTS,
        TAG_THRESHOLDS,
        VOTED_TAGS,
        SEARCH_DOCUMENTS,
        TRAINING_EXAMPLES,
        TRAINING_LABELS,
        TRAINING_FUNNEL,
        FAILURES,
        RUNS,
    )
}


def check_columns(table: Table, schema: pa.Schema) -> None:
    """Raise one AutotagError that lists every missing, unknown and wrongly typed column; order does not matter."""
    found = {field.name: field.type for field in schema}
    wanted = {field.name: field.type for field in table.schema}
    problems = [f"{name} is missing, it must be {kind}" for name, kind in wanted.items() if name not in found]
    problems += [f"{name} is unknown" for name in found if name not in wanted]
    problems += [
        f"{name} is {found[name]}, it must be {kind}"
        for name, kind in wanted.items()
        if name in found and not _same_type(found[name], kind)
    ]
    if problems:
        raise AutotagError(f"table {table.name}: {'; '.join(problems)}")


def _same_type(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Equal types, whatever the names of list items and the nullability inside."""
    if pa.types.is_list(found) and pa.types.is_list(wanted):
        return _same_type(found.value_type, wanted.value_type)
    if pa.types.is_map(found) and pa.types.is_map(wanted):
        return _same_type(found.key_type, wanted.key_type) and _same_type(found.item_type, wanted.item_type)
    if pa.types.is_struct(found) and pa.types.is_struct(wanted):
        names = [field.name for field in found]
        return names == [field.name for field in wanted] and all(
            _same_type(found[i].type, wanted[i].type) for i in range(len(names))
        )
    return bool(found == wanted)
