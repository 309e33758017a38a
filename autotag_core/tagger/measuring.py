"""A trained head made ready: temperature, thresholds, and what it is worth on GIFs that it was not trained on."""

from __future__ import annotations

import logging

import numpy as np
import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.splits import SPLITS, VALIDATION
from autotag_core.tagger.example_targets import target_matrix
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.fitting import Fitted, logits_of
from autotag_core.tagger.search_coverage import popular_searches, search_coverage
from autotag_core.tagger.tag_metrics import Measured, measure_tags
from autotag_core.tagger.tagger_data import TaggerData, measured_split
from autotag_core.tagger.tagger_model import TaggerRecord
from autotag_core.tagger.temperature import fit_temperature, scaled_probabilities
from autotag_core.votes import NEVER, fit_thresholds

_log = logging.getLogger(__name__)
NUM_FOLDS = 5
MIN_ACCEPTED = 10
"""Validation pairs above a threshold: fewer say too little of a precision, as in the night's thresholds."""


def tagger_record(data: TaggerData, experiment: Experiment, fitted: Fitted) -> TaggerRecord:
    """The record: temperature and thresholds are fitted on validation GIFs."""
    validation = data.parts[VALIDATION]
    is_right = validation.targets.values > 0
    logits = logits_of(fitted.head, validation)
    temperature = fit_temperature(logits, is_right)
    return TaggerRecord(
        labels=tuple(data.classes),
        thresholds=_thresholds(scaled_probabilities(logits, temperature), is_right, data.classes, experiment),
        temperature=temperature,
        dimension=validation.features.shape[2],
        experiment=experiment,
        config=data.release.config,
        model_version=data.model_version,
        base=architecture(experiment, data),
        run_id=data.release.release_of or data.release.run_id,
    )


def architecture(experiment: Experiment, data: TaggerData) -> str | None:
    """Of a fine-tuned base; None where the head alone has learned."""
    if experiment.base is None:
        return None
    from autotag_core.tagger.base.networks import architecture_of

    return architecture_of(experiment, data.config)


def _thresholds(
    probabilities: np.ndarray, is_right: np.ndarray, classes: list[str], experiment: Experiment
) -> tuple[float, ...]:
    """Of each class the least probability at which the wanted precision is reached, by the rule of the night's."""
    num, num_classes = probabilities.shape
    folds = np.repeat(np.arange(num) % NUM_FOLDS, num_classes)
    tags = pa.array(classes * num, pa.string())
    fitted = fit_thresholds(
        tags, probabilities.ravel(), is_right.ravel(), folds, experiment.target_precision, MIN_ACCEPTED
    )
    return tuple(min(fitted.by_tag.get(tag, fitted.default), NEVER) for tag in classes)


def measure_tagger(data: TaggerData, record: TaggerRecord, fitted: Fitted, truth: pa.Table | None = None) -> Measured:
    """The metrics on test GIFs, or on validation GIFs where none is reviewed.

    Right are the tags that an editor or reviewer gave; with `truth` (example_targets.ROWS) those that it says.
    """
    split = measured_split(data)
    part = data.parts[split]
    known = part.targets if truth is None else target_matrix(truth, part.gif_ids, data.classes)
    probabilities = scaled_probabilities(logits_of(fitted.head, part), record.temperature)
    is_right = known.values > 0
    metrics = measure_tags(probabilities, is_right, data.classes, record.experiment.seed)
    sizes = {name: len(data.parts[name]) for name in (*SPLITS, *(set(data.parts) - set(SPLITS)))}
    return Measured(split, metrics, probabilities, is_right, sizes, _coverage(data, probabilities))


def _coverage(data: TaggerData, probabilities: np.ndarray) -> float | None:
    uri = data.config.semantic.search_sessions
    if uri is None:
        return None
    try:
        return search_coverage(popular_searches(uri), probabilities, data.classes)
    except InputError as error:  # the release may be older than what lies there now
        _log.warning("coverage of searches is not measured: %s", error)
        return None
