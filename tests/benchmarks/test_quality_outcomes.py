from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.evaluation.per_gif import PerGif
from benchmarks.quality_outcomes import change_of, differences, outcomes_of, read_outcomes, write_outcomes

NUM_GIFS = 200


def night(skill, seed=3):
    """Voted tags of GIFs with two true tags, of which one is given beside a wrong one; `skill` separates the scores."""
    rng = np.random.default_rng(seed)
    catalog, truth, voted = [], [], []
    others = [(f"other{number}", 0) for number in range(8)]
    for number in range(NUM_GIFS):
        gif_id = f"g{number:03}"
        catalog.append({"gif_id": gif_id, "tags": ["given", "wrong"], "split": "train"})
        truth.append({"gif_id": gif_id, "tags": ["given", "missing"], "factors": []})
        for tag, is_right in (("given", 1), ("wrong", 0), ("missing", 1), *others):
            score = float(np.clip(0.5 + skill * (is_right - 0.5) + 0.3 * rng.normal(), 0.01, 1))
            voted.append({"gif_id": gif_id, "tag": tag, "score": score})
    factors = pa.list_(pa.struct([("factor", pa.string()), ("tags", pa.list_(pa.string()))]))
    schema = pa.schema([("gif_id", pa.string()), ("tags", pa.list_(pa.string())), ("factors", factors)])
    tables = [pa.Table.from_pylist(rows) for rows in (voted, catalog)]
    return (*tables, pa.Table.from_pylist(truth, schema=schema))


@pytest.fixture(scope="module")
def good():
    return outcomes_of(*night(0.5))


def test_outcomes_come_back_from_their_file(good, tmp_path):
    write_outcomes(tmp_path / "a.npz", good)
    found = read_outcomes(tmp_path / "a.npz")
    assert found.num_gifs == NUM_GIFS
    for field in fields(PerGif):
        if field.name not in ("confidences", "probabilities"):
            written, read = getattr(good.per_gif, field.name), getattr(found.per_gif, field.name)
            assert read == pytest.approx(written, abs=1e-6), field.name


def test_the_same_outcomes_are_no_loss(good):
    for resampled in differences(good, good).values():
        change = change_of(resampled)
        assert (change.difference, change.low, change.high, change.is_loss) == (0.0, 0.0, 0.0, False)


def test_a_worse_night_is_a_loss_in_every_measure_and_a_better_one_in_none(good):
    worse = outcomes_of(*night(0.2))
    assert all(change_of(resampled).is_loss for resampled in differences(good, worse).values())
    gains = [change_of(resampled) for resampled in differences(worse, good).values()]
    assert all(change.low > 0 and not change.is_loss for change in gains)
    assert "LOSS" in change_of(differences(good, worse)["auc"]).text()


def test_other_gifs_are_not_compared(good):
    with pytest.raises(ValueError, match="200 GIFs are committed and 199 measured"):
        differences(good, replace(good, num_gifs=199))
