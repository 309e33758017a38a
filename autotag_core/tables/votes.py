"""Tables of the vote."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

EXPERT_WEIGHTS = Table(
    "expert_weights",
    "an expert",
    pa.schema(
        [
            column("expert", pa.string(), "key"),
            column("weight", pa.float64(), "num_correct over num_evaluated, 0..1"),
            column("weight_low", pa.float64(), "lower end of its 95% interval"),
            column("weight_high", pa.float64(), "upper end of its 95% interval"),
            column(
                "weight_of_all",
                pa.float64(),
                "num_correct over all GIFs with a truth, as published: abstaining is wrong",
            ),
            column("num_evaluated", pa.int64(), "GIFs with a truth for which the expert has neighbors"),
            column("num_correct", pa.int64(), "of these, GIFs with at least one right predicted tag"),
            column(
                "weight_on_new_tags",
                pa.float64(),
                "the same on tags the GIF did not have; null if the truth is its tags",
            ),
            column("weight_on_new_tags_low", pa.float64(), "lower end of its 95% interval"),
            column("weight_on_new_tags_high", pa.float64(), "upper end of its 95% interval"),
            column("num_lacking", pa.int64(), "of the evaluated GIFs, those that lack a true tag: what it rests on"),
            column("evaluated_on", pa.string(), "validation, or train (leave-one-out)"),
        ]
    ),
    ("expert",),
)

VOTED_TAGS = Table(
    "voted_tags",
    "a tag of a GIF",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("tag", pa.string(), "key"),
            column(
                "confidence",
                pa.float32(),
                "0..1 by the published rule; 0 where source is proposed or refused: not in the published dataset",
            ),
            column(
                "source",
                pa.string(),
                "confirmed, unconfirmed, voted, editorial, original (kept untouched), proposed, refused by an editor",
            ),
            column("published_score", pa.float32(), "the published rule's normalised vote, 0..1; 0 if none"),
            column("score", pa.float32(), "by vote.rule, 0..1; 0 if none"),
            column(
                "probability",
                pa.float32(),
                "calibrated chance that the tag is right; null where none is known or asked",
            ),
            column(
                "accepted",
                pa.bool_(),
                "probability reaches the tag's threshold, or an editor gave it; null without vote.target_precision",
            ),
            column("votes", pa.map_(pa.string(), pa.int32()), "neighbors with this tag, by expert"),
            column("evidence", STRINGS, "ids of these neighbors, sorted"),
            column(
                "reasons",
                pa.map_(pa.string(), pa.float32()),
                "by vote.rule=learned: what makes the log odds that the tag is right, by kind of evidence; they add up",
            ),
        ]
    ),
    ("gif_id", "tag"),
)

TAG_THRESHOLDS = Table(
    "tag_thresholds",
    "a tag, and from which probability on it is accepted; without vote.target_precision none",
    pa.schema(
        [
            column("tag", pa.string(), "key; null: every tag without a row"),
            column("threshold", pa.float64(), "least probability; 2 where none reaches the target"),
            column("num_examples", pa.int64(), "validation pairs at or above it"),
            column(
                "precision",
                pa.float64(),
                "right share of pairs accepted by thresholds found without their GIF, or null",
            ),
            column("origin", pa.string(), "own, or fallback: too little is known of the tag alone"),
        ]
    ),
    ("tag",),
)
