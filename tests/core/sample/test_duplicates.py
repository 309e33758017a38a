"""Copies in a sample: what they are copies of, who tagged them, and whether the job's decision finds them."""

import io
import json
import random
from collections import Counter

import pytest
from PIL import Image

from autotag_core.config import Config, DuplicatesConfig
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.errors import InputError
from autotag_core.frames import read_header
from autotag_core.sample import COPY_KINDS, UploaderRates, copy_gif, write_sample
from autotag_core.sample.copies import read_animation
from autotag_core.sample.duplicates import MAX_COPIES, draw_duplicates
from benchmarks.duplicates import candidate_pairs, measure, with_copies


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(path):
    return {row["gif_id"]: row for row in map(json.loads, path.read_text().splitlines())}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    summary = write_sample(str(folder), 12, seed=7, num_broken=1, workers=1, rates=UploaderRates(copied=0.5))
    return folder, summary


def test_copies_come_after_all_gifs_and_change_nothing_before_them(sample, tmp_path):
    folder, summary = sample
    write_sample(str(tmp_path), 12, seed=7, num_broken=1, workers=1)
    with_copies_, without = files_below(folder), files_below(tmp_path)
    assert summary.num_duplicates == 6
    added = {*(f"gifs/{index:02x}/gif-{index:07d}.gif" for index in range(12, 18)), "duplicates.jsonl"}
    assert set(with_copies_) - set(without) == added
    same = set(without) - {"catalog.jsonl", "truth.jsonl"}
    assert {name: with_copies_[name] for name in same} == {name: without[name] for name in same}
    for name in ("catalog.jsonl", "truth.jsonl"):
        lines = with_copies_[name].splitlines()
        assert lines[:12] + lines[18:] == without[name].splitlines()


def test_a_copy_has_its_originals_truth_and_an_uploader_of_its_own(sample):
    folder, _ = sample
    catalog_lines = (folder / "catalog.jsonl").read_text().splitlines()[:18]
    catalog = {row["gif_id"]: row for row in map(json.loads, catalog_lines)}
    truth = rows_of(folder / "truth.jsonl")
    duplicates = rows_of(folder / "duplicates.jsonl")
    assert list(duplicates) == [f"gif-{index:07d}" for index in range(12, 18)]
    for gif_id, row in duplicates.items():
        assert row["original"] < "gif-0000012"
        assert truth[gif_id]["tags"] == truth[row["original"]]["tags"]
        assert catalog[gif_id]["uri"] != catalog[row["original"]]["uri"]
        read_header((folder / catalog[gif_id]["uri"]).read_bytes())
    assert any(catalog[gif_id]["tags"] != catalog[row["original"]]["tags"] for gif_id, row in duplicates.items())


def test_the_same_arguments_give_the_same_copies_whatever_the_number_of_workers(sample, tmp_path):
    write_sample(str(tmp_path), 12, seed=7, num_broken=1, workers=2, rates=UploaderRates(copied=0.5))
    assert files_below(tmp_path) == files_below(sample[0])


@pytest.mark.parametrize(("num_gifs", "share", "count"), [(1000, 0.3, 300), (1, 1.0, 1), (10, 1.0, 10), (10, 0, 0)])
def test_so_many_copies_are_drawn_as_the_share_says(num_gifs, share, count):
    drawn = draw_duplicates(7, num_gifs, share)
    assert [duplicate.index for duplicate in drawn] == list(range(num_gifs, num_gifs + count))
    assert all(0 <= duplicate.original < num_gifs for duplicate in drawn)


def test_a_few_gifs_are_copied_many_times_and_most_once():
    copies = Counter(duplicate.original for duplicate in draw_duplicates(7, 2000, 0.5))
    times = Counter(copies.values())
    assert max(times) == MAX_COPIES
    assert times[1] > len(copies) / 2
    assert sum(copies.values()) == 1000


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(share, tmp_path):
    with pytest.raises(InputError, match="must be 0 to 1"):
        write_sample(str(tmp_path), 2, seed=7, rates=UploaderRates(copied=share))


def test_each_kind_of_copy_changes_what_it_says():
    data = gif_bytes(recipe_of(7, 1))
    before = read_animation(data)
    after = {kind: read_animation(copy_gif(data, [kind], random.Random(3))) for kind in COPY_KINDS}
    width, height = before.frames[0].size
    assert after["reencoded"].frames[0].size == after["retimed"].frames[0].size == (width, height)
    assert after["resized"].frames[0].size not in {(width, height), after["cropped"].frames[0].size}
    cropped = after["cropped"].frames[0].size
    assert 0.84 * width - 1 <= cropped[0] < width and 0.84 * height - 1 <= cropped[1] <= height
    assert after["retimed"].delays_ms != before.delays_ms
    assert sum(after["reencoded"].delays_ms) == sum(after["cropped"].delays_ms) == sum(before.delays_ms)
    assert len({copy_gif(data, [kind], random.Random(3)) for kind in COPY_KINDS} | {data}) == 5


def test_dropped_frames_leave_the_playing_time_as_it_was():
    data = gif_bytes(recipe_of(7, 1))
    before = read_animation(data)
    found = [read_animation(copy_gif(data, ["retimed"], random.Random(seed))) for seed in range(6)]
    halved = [animation for animation in found if len(animation.frames) < len(before.frames)]
    assert halved and len(halved) < 6
    assert {sum(animation.delays_ms) for animation in halved} == {sum(before.delays_ms)}


def test_a_copy_keeps_transparency_and_no_kind_keeps_the_bytes():
    sticker = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    sticker.paste((200, 30, 30, 255), (10, 10, 30, 30))
    out = io.BytesIO()
    sticker.save(out, "GIF")
    assert copy_gif(out.getvalue(), [], random.Random(1)) == out.getvalue()
    (frame,) = read_animation(copy_gif(out.getvalue(), ["reencoded"], random.Random(1))).frames
    assert frame.getpixel((0, 0))[3] == 0
    assert frame.getpixel((20, 20)) == (200, 30, 30, 255)
    with pytest.raises(InputError, match="no kind of copy is named rotated"):
        copy_gif(out.getvalue(), ["rotated"], random.Random(1))


def test_the_decision_finds_copies_among_drawn_gifs_and_nothing_else():
    config = Config.model_validate({"experts": ["imagenet"], "frames": {"num_frames": 4}})
    drawn = [(f"gif-{index}", gif_bytes(recipe_of(7, index))) for index in range(12)]
    pairs = candidate_pairs(with_copies(drawn), config)
    result = measure(pairs, config.duplicates)
    assert result.num_found > 40
    assert result.precision >= 0.99
    assert result.recall["reencoded"] >= 0.9 and result.recall["retimed"] >= 0.8
    wide = measure(pairs, DuplicatesConfig(max_distance=0.2, max_hash_bits=16, max_color_difference=8))
    assert wide.precision >= 0.99
    assert wide.recall["resized"] >= 0.8 and wide.recall["cropped"] >= 0.8
    everything = measure(pairs, DuplicatesConfig(max_distance=2, max_hash_bits=64, max_color_difference=255))
    assert everything.precision < 0.5 and min(everything.recall.values()) == 1
