import json
from collections import Counter
from pathlib import Path

import pytest

from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.failures import ItemError, Stage
from autotag_core.frames import load_frames
from autotag_core.sample import BROKEN_KINDS, UploaderRates, write_sample
from autotag_core.storage import is_file, join, read_bytes


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def rows_of(uri):
    return [json.loads(line) for line in read_bytes(str(uri)).decode().splitlines()]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(str(folder), 60, seed=7, workers=1)
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    write_sample(str(folder), 1, seed=7, num_broken=len(BROKEN_KINDS) + 1, workers=1)
    return folder


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(sample, tmp_path):
    steps = []
    summary = write_sample(str(tmp_path), 60, seed=7, workers=2, on_progress=lambda *step: steps.append(step))
    written = files_below(tmp_path)
    assert written == files_below(sample)
    assert steps == [(50, 60), (60, 60)]
    assert summary.num_bytes == sum(len(data) for name, data in written.items() if name.endswith(".gif"))


def test_another_seed_gives_other_gifs(sample, tmp_path):
    write_sample(str(tmp_path), 1, seed=8, workers=1)
    assert not set(files_below(tmp_path).values()) & set(files_below(sample).values())


def test_a_larger_sample_begins_with_the_smaller_one(sample, tmp_path):
    write_sample(str(tmp_path), 5, seed=7, workers=1)
    for name in ("catalog.jsonl", "truth.jsonl"):
        assert (sample / name).read_text().startswith((tmp_path / name).read_text())
    gifs = {name: data for name, data in files_below(tmp_path).items() if name.startswith("gifs/")}
    assert len(gifs) == 5
    assert gifs.items() <= files_below(sample).items()


def test_each_file_has_its_rows(sample):
    catalog, truth, sessions = (rows_of(sample / f"{name}.jsonl") for name in ("catalog", "truth", "sessions"))
    gif_ids = [f"gif-{index:07d}" for index in range(60)]
    assert [row["gif_id"] for row in catalog] == gif_ids
    assert [row["gif_id"] for row in truth] == gif_ids
    assert set(catalog[0]) == {"gif_id", "uri", "tags", "editorial_tags", "caption", "popularity"}
    assert {row["uri"] for row in catalog} == {name for name in files_below(sample) if name.startswith("gifs/")}
    for row in truth:
        assert list(row["factors"]) == ["shown", "motion", "written", "usage"]
        assert row["tags"] == [tag for tags in row["factors"].values() for tag in tags]
    assert len(sessions) == 120
    assert {gif_id for row in sessions for gif_id in row["gif_ids"]} <= set(gif_ids)
    assert not (sample / "broken.jsonl").exists()


def test_the_reviewers_list_names_gifs_with_all_their_true_tags(sample):
    listed = (sample / "test.txt").read_text().splitlines()
    catalog, truth = (
        {row["gif_id"]: row for row in rows_of(sample / f"{name}.jsonl")} for name in ("catalog", "truth")
    )
    assert 2 <= len(listed) == len(set(listed)) <= 12
    assert all(catalog[gif_id]["editorial_tags"] == truth[gif_id]["tags"] for gif_id in listed)
    edited = [gif_id for gif_id, row in catalog.items() if row["editorial_tags"]]
    assert set(listed) < set(edited)


def test_a_list_without_gifs_is_written_too(broken):
    assert (broken / "test.txt").read_bytes() == b""


@pytest.mark.parametrize("place", ["disk", "s3"])
def test_nothing_of_an_earlier_sample_is_said_of_a_later_one(place, request, tmp_path):
    out = str(tmp_path) if place == "disk" else join(request.getfixturevalue("bucket"), "sample")
    write_sample(out, 4, seed=7, num_broken=2, workers=1, rates=UploaderRates(copied=0.5))
    assert len(rows_of(join(out, "broken.jsonl"))) == len(rows_of(join(out, "duplicates.jsonl"))) == 2
    for _ in range(2):  # what is not there can't be removed, which is no error
        write_sample(out, 4, seed=7, workers=1)
        assert not is_file(join(out, "broken.jsonl"))
        assert not is_file(join(out, "duplicates.jsonl"))


def test_the_job_reads_the_gifs_of_the_sample(sample):
    notes = Counter()
    for row in rows_of(sample / "catalog.jsonl")[:20]:
        loaded = load_frames(str(sample / row["uri"]), FramesConfig())
        notes.update(loaded.media.notes)
        assert loaded.media.num_sampled >= 1
    assert set(notes) <= {"single_frame"}


def test_a_sample_on_s3_is_the_same_as_on_disk(bucket, tmp_path):
    out = join(bucket, "some", "where")
    for place in (out, str(tmp_path)):
        write_sample(place, 12, seed=7, num_broken=2, workers=1)
    written = files_below(tmp_path)
    assert len(written) == 12 + 2 + 5  # catalog, truth, sessions, broken, test
    for name, data in written.items():
        assert read_bytes(join(out, name)) == data


def test_broken_items_come_in_turn_after_the_sound_ones(broken):
    kinds = [kind.name for kind in BROKEN_KINDS]
    assert [row["kind"] for row in rows_of(broken / "broken.jsonl")] == [*kinds, kinds[0]]
    lines = (broken / "catalog.jsonl").read_text().splitlines()
    assert len(lines) == 1 + len(kinds) + 1 + 1  # a duplicate has two rows
    assert len(rows_of(broken / "truth.jsonl")) == 1


def test_catalog_rows_are_broken_as_they_say(broken):
    lines = (broken / "catalog.jsonl").read_text().splitlines()
    by_kind = {kind.name: [line for line in lines if f"-{kind.name}" in line] for kind in BROKEN_KINDS}
    assert "gif_id" not in json.loads(by_kind["no_gif_id"][0])
    assert "uri" not in json.loads(by_kind["no_uri"][0])
    assert json.loads(by_kind["tags_not_strings"][0])["tags"] == [1, {"tag": "cat"}]
    first, second = by_kind["duplicate_gif_id"]
    assert first == second
    with pytest.raises(json.JSONDecodeError):
        json.loads(by_kind["not_json"][0])
    sound = [line for name, found in by_kind.items() if name != "not_json" for line in found]
    assert all(json.loads(line) for line in sound)


def test_each_broken_file_ends_as_it_says(broken):
    rows = {}
    for line in (broken / "catalog.jsonl").read_text().splitlines():
        try:
            rows[json.loads(line).get("gif_id")] = json.loads(line)
        except json.JSONDecodeError:
            continue
    seen = {}
    expected = {}
    for truth in rows_of(broken / "broken.jsonl"):
        if truth["expected_stage"] == Stage.CATALOG:
            continue
        expected[truth["kind"]] = (
            truth["expected_reason"] or [truth["expected_note"]][: truth["expected_note"] is not None]
        )
        uri = rows[truth["gif_id"]]["uri"]
        try:
            loaded = load_frames(uri if "://" in uri else str(broken) + "/" + uri, FramesConfig())
            seen[truth["kind"]] = list(loaded.media.notes)
        except ItemError as error:
            seen[truth["kind"]] = error.reason
    assert seen == expected


def test_a_sample_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least 1"):
        write_sample(str(tmp_path), 0, seed=7)


def test_a_place_that_cannot_be_written_to_is_an_input_error(tmp_path, bucket):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_sample(str(tmp_path / "file"), 1, seed=7, workers=1)
    with pytest.raises(InputError, match="the bucket does not exist"):
        write_sample("s3a://no-such-bucket/sample", 60, seed=7, workers=2)
