"""The card says what a person must know, and nothing in a label is markup."""

from __future__ import annotations

import numpy as np

from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.model_card import model_card
from autotag_core.tagger.tag_metrics import Measured, measure_tags
from autotag_core.tagger.tagger_model import TaggerRecord


def card(labels: tuple[str, ...], split: str) -> str:
    record = TaggerRecord(
        labels=labels,
        thresholds=(0.6, 2.0),
        temperature=1.0,
        dimension=4,
        experiment=Experiment(),
        config="{}",
        model_version="efficientnet_lite0-abc-torch-fp32",
        run_id="r1",
    )
    probabilities, right = np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([[1, 0], [0, 1]], bool)
    metrics = measure_tags(probabilities, right, labels)
    measured = Measured(split, metrics, probabilities, right, {"train": 7, split: 2}, search_coverage=0.25)
    return model_card("m1", record, measured)


def test_it_names_data_metrics_limits_and_licence() -> None:
    text = card(("cat", "dog"), "test")
    for said in (
        "`r1`",
        "- train: 7 GIFs",
        "Classes: 2",
        "on 2 test GIFs",
        "| 0.500 |",
        "1 of 2 tags have a threshold",
        "| popular searches that are among the first five of some GIF | 0.250 | |",
    ):
        assert said in text
    assert "Apache 2.0" in text and "efficientnet_lite0-abc-torch-fp32" in text
    assert "flatter it" not in text and "flatter it" in card(("cat", "dog"), "validation")


def test_a_label_is_text() -> None:
    text = card(("<img src=x>", "[a](b)|*"), "test")
    assert "<img" not in text and "&lt;img src=x&gt;" in text and r"\[a\](b)\|\*" in text
