"""How good the labels of a warehouse are, by a truth of what each raw tag means."""

from __future__ import annotations

from autotag_core import labels, storage
from autotag_core.errors import InputError
from autotag_core.labels import Measure, TagDecision
from autotag_core.tables import LABEL_DECISIONS


def evaluate_labels(warehouse: str, truth: str) -> list[Measure]:
    """Precision and recall of each stage and of the final labels. It reads a row a tag, without Spark."""
    for uri in (warehouse, truth):
        storage.refuse_credentials(uri)
    truths = labels.read_tag_truth(truth)
    found = labels.read_newest(storage.absolute(warehouse), LABEL_DECISIONS)
    if found is None:
        raise InputError(f"{warehouse}: no labels: run `autotag labels build` first, or check --warehouse")
    return labels.measure_stages([TagDecision(**row) for row in found[0].to_pylist()], truths)
