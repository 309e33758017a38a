"""What a run was given, in fields and as the table has it."""

from __future__ import annotations

import pytest

from autotag_core.warehouse import RunInputs

INPUTS = RunInputs(
    versions={"imagenet": "m1", "frames": "f1"},
    stamps={"sessions": "1:2"},
    shards={"imagenet": "r1"},
    notes={"catalog": "s3a://gifs/ü.jsonl", "temporal": "trained"},
)
MAP = {
    "catalog": "s3a://gifs/ü.jsonl",
    "temporal": "trained",
    "imagenet_version": "m1",
    "frames_version": "f1",
    "sessions_stamp": "1:2",
    "imagenet_shards": "r1",
}


def test_the_table_has_every_field_and_gives_it_back() -> None:
    assert INPUTS.to_map() == MAP
    assert RunInputs.from_map(MAP) == INPUTS
    assert RunInputs.from_map({}) == RunInputs()


def test_notes_and_shards_do_not_decide_what_is_made_and_every_version_and_stamp_does() -> None:
    alike = RunInputs(INPUTS.versions, INPUTS.stamps, {}, {"catalog": "elsewhere"})
    assert INPUTS.makes_the_same(alike)
    assert not INPUTS.makes_the_same(RunInputs(INPUTS.versions | {"text": "t1"}, INPUTS.stamps))
    assert not INPUTS.makes_the_same(RunInputs(INPUTS.versions | {"imagenet": "m2"}, INPUTS.stamps))
    assert not INPUTS.makes_the_same(RunInputs(INPUTS.versions, {}))


def test_a_note_that_would_be_read_as_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="'head_version'"):
        RunInputs(notes={"head_version": "1"}).to_map()


def test_shards_of_some_experts() -> None:
    assert INPUTS.shards_of(["imagenet", "text"]) == {"imagenet": "r1"}
