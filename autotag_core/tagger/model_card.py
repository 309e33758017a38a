"""The page about a trained tagger that a person reads: data, classes, what was measured, limits, licence."""

from __future__ import annotations

import html
import re

from autotag_core.experts import EXPERTS
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tag_metrics import Measured, TagMetrics
from autotag_core.tagger.tagger_model import TaggerRecord
from autotag_core.terminal import shown

_NAMES = {
    "p_at_1": "first tag is right (P@1)",
    "p_at_3": "of the first three, right (P@3)",
    "recall_at_5": "of the right ones, among the first five (recall@5)",
    "map_macro": "mAP macro: each tag counts the same",
    "map_micro": "mAP micro: each pair counts the same",
    "ece": "calibration error (ECE)",
}
_COVERAGE = "popular searches that are among the first five of some GIF"
_MAX_SHOWN = 10
_TAUGHT = {
    "probability": "the calibrated probability of each tag that the vote considered",
    "published": "the confidences of the published rule",
    "raw": "the uploaders' own tags",
}


def model_card(model: str, record: TaggerRecord, measured: Measured) -> str:
    """The card as Markdown."""
    experiment, labels = record.experiment, [_plain(label) for label in record.labels]
    metrics, measured_on = measured.metrics, measured.split
    accepted = sum(threshold <= 1 for threshold in record.thresholds)
    lines = [
        f"# Tagger {model}",
        "",
        f"Suggests tags for a GIF. Trained on the release `{record.run_id}`.",
        f"What it learned: {_TAUGHT[experiment.targets]}.",
        "",
        "## Data",
        "",
        *(f"- {name}: {num} GIFs" for name, num in measured.sizes.items()),
        "- No file and no near duplicate is in two splits; this was checked again before the training.",
        "",
        f"## Classes: {len(labels)}",
        "",
        ", ".join(labels[:200]) + (", ..." if len(labels) > 200 else ""),
        "",
        f"## Measured on {metrics.num_gifs} {measured_on} GIFs",
        "",
        "| | value | 95% interval |",
        "|---|---|---|",
        *(
            f"| {_NAMES[name]} | {one.value:.3f} | {one.low:.3f} to {one.high:.3f} |"
            for name, one in metrics.measures.items()
        ),
        *([] if measured.search_coverage is None else [f"| {_COVERAGE} | {measured.search_coverage:.3f} | |"]),
        "",
        *_best_and_worst(metrics),
        *_limits(experiment, measured_on, accepted, len(labels)),
        "## Licence of the base weights",
        "",
        f"`{record.model_version}`. {EXPERTS['imagenet'].licence}.",
        "",
    ]
    return "\n".join(lines)


def _best_and_worst(metrics: TagMetrics) -> list[str]:
    ranked = sorted(metrics.classes, key=lambda one: (-one.average_precision, one.label))
    lines = []
    for title, some in (("Best tags", ranked[:_MAX_SHOWN]), ("Worst tags", ranked[::-1][:_MAX_SHOWN])):
        cells = (f"{_plain(one.label)} {one.average_precision:.2f} ({one.num_gifs})" for one in some)
        lines += [f"{title} by average precision (GIFs): {', '.join(cells)}", ""]
    return lines


def _limits(experiment: Experiment, measured_on: str, accepted: int, num: int) -> list[str]:
    wanted = f"{experiment.target_precision:.0%}"
    lines = [
        "## Limits",
        "",
        "- It knows the tags above and no other. What a tag means is what this catalog's people mean by it.",
        f"- {accepted} of {num} tags have a threshold from which on about {wanted} are right; the others are never "
        "accepted by themselves, only suggested.",
        "- It sees frames alone: no caption, no words in the picture, nothing of how people use the GIF.",
    ]
    if measured_on != "test":
        lines.append("- The validation GIFs also decided when to stop and how sure it is: the figures flatter it.")
    return [*lines, ""]


def _plain(label: str) -> str:
    """The label as text of a Markdown page, whatever somebody wrote into it."""
    return re.sub(r"([\\`*_\[\]|#!~])", r"\\\1", html.escape(shown(label), quote=False))
