"""Predictions of files: what is said of good and bad ones, and the page that shows which frames speak."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.tagger.contact_sheet import contact_sheet
from autotag_core.tagger.experiment import Aggregator, Experiment
from autotag_core.tagger.predictor import Prediction, SuggestedTag
from autotag_core.tagger.tagger_data import no_progress
from jobs.tagger.predict_files import files_of, open_predictor, predict_files
from jobs.tagger.train_tagger import TrainRequest, train_tagger


@pytest.fixture(params=["mean_features", "gru"])
def tagger(request: pytest.FixtureRequest, small_release: str) -> str:
    """A warehouse with a tagger trained on it."""
    aggregator: Aggregator = request.param
    experiment = Experiment(max_epochs=30, min_examples=3, aggregator=aggregator)
    train_tagger(TrainRequest(small_release, None, experiment), no_progress)
    return small_release


def test_files_get_their_tags_and_bad_ones_a_reason_in_their_order(tagger: str, tmp_path: Path) -> None:
    gifs = Path(tagger).parent / "gifs"
    bad = tmp_path / "bad.gif"
    bad.write_bytes(b"GIF89a broken")
    predictor, uri = open_predictor(None, tagger, 2)
    assert "/models/tagger/" in uri
    names = [str(gifs / "g004.gif"), str(bad), str(gifs / "g009.gif"), str(tmp_path / "absent.gif")]
    found = list(predict_files(predictor, files_of(names), 3, keep_pictures=True))
    assert [one.uri for one in found] == names
    assert [one.tags[0].tag if one.tags else None for one in found] == ["green", None, "red", None]
    assert (found[1].error or "").startswith("undecodable: ")
    assert "not_found" in found[3].to_text() and "\n" not in found[3].to_text()
    chances = [tag.probability for tag in found[0].tags]
    assert len(chances) == 3 and chances == sorted(chances, reverse=True)
    assert all(0 <= at < 6 for tag in found[0].tags for at in tag.frames)
    assert json.loads(found[0].to_json())["tags"][0]["tag"] == "green"
    page = "".join(contact_sheet(found, uri))
    assert page.count("<section>") == 4 and page.count("data:image/png") > 2 * 6


def test_a_gif_of_the_catalog_gets_what_was_measured_of_it(tagger: str) -> None:
    from autotag_core.tagger.tagger_data import open_data

    predictor, _ = open_predictor(None, tagger, 2)
    model = predictor.model
    part = open_data(tagger, None, model.record.experiment).parts["test"]
    measured = model.probabilities(part.features, part.mask)[0]
    gif = str(Path(tagger).parent / "gifs" / f"{part.gif_ids[0]}.gif")
    (found,) = predict_files(predictor, [gif], len(model.record.labels), keep_pictures=False)
    said = {tag.tag: tag.probability for tag in found.tags}
    assert said == pytest.approx(dict(zip(model.record.labels, measured, strict=True)), abs=2e-3)


def test_a_folder_stands_for_the_pictures_in_it(tmp_path: Path) -> None:
    for name in ("b.gif", "a.GIF", "notes.txt", "below/c.webp", "d.avif", "e.MP4", "f.webm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [uri.removeprefix(f"{tmp_path}/") for uri in files_of([str(tmp_path), str(tmp_path / "b.gif")])]
    assert found == ["a.GIF", "b.gif", "below/c.webp", "d.avif", "e.MP4", "f.webm"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture in this folder"):
        files_of([str(tmp_path / "empty")])


def test_without_a_model_or_a_warehouse_one_line_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--model FOLDER, or a --warehouse"):
        open_predictor(None, None, 1)
    with pytest.raises(InputError, match="no tagger was trained here"):
        open_predictor(None, str(tmp_path), 1)


def test_nothing_in_a_tag_or_a_name_is_code_of_the_page() -> None:
    evil = "<script>alert(1)</script>\"'&\u202e"
    tags = (SuggestedTag(evil, 0.5, True, (0,)),)
    page = "".join(contact_sheet([Prediction(evil, tags), Prediction("x", error=evil)], evil))
    assert "<script" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;") == 4
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'", page)
