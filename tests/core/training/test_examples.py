"""Epochs over small releases: what is in a batch, how often, in which order, on which rank; what is an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.errors import AutotagError, InputError
from autotag_core.frames import load_frames
from autotag_core.training import Augmentation, Examples, open_examples
from tests.core.training.conftest import SIZE, Gif, gif_id, grey, write_release

PLAIN: dict[str, Any] = {"augmentation": None, "min_examples": 1}
MIXED = [Gif(labels=(0, 1) if number % 8 == 0 else (0,), num_frames=2 + number % 3) for number in range(40)]
Release = Callable[..., str]


def taken(batches: Any) -> list[int]:
    return [index for batch in batches for index in batch["index"].tolist()]


def number_of(examples: Examples, index: int) -> int:
    """The GIF's number in the list that was written: files have names of their own, in an order of their own."""
    return int(examples.gif_id(index).removeprefix("g"))


def test_one_epoch_gives_each_gif_its_frames_its_mask_and_its_targets(anywhere: str) -> None:
    examples = open_examples(
        write_release(anywhere, MIXED), batch_size=8, scheme="natural", num_frames=3, window=16, **PLAIN
    )
    batches = list(examples)
    assert len(batches) == len(examples) == 5
    assert sorted(taken(batches)) == list(range(40)) != taken(batches)
    assert examples.labels == ["common", "rare"]
    for batch in batches:
        assert batch["frames"].shape == (8, 3, 3, SIZE, SIZE) and batch["frames"].dtype == torch.uint8
        for place, index in enumerate(batch["index"].tolist()):
            number = number_of(examples, index)
            num_frames = min(2 + number % 3, 3)
            assert batch["mask"][place].tolist() == [True] * num_frames + [False] * (3 - num_frames)
            assert (batch["frames"][place, :num_frames].int() - grey(number)).abs().max() <= 1
            assert (batch["frames"][place, num_frames:] == 0).all()
            assert batch["targets"][place].tolist() == [0.5, 0.75 if number % 8 == 0 else 0.0]


def test_classes_are_drawn_alike_and_the_histogram_says_so(release: Release) -> None:
    gifs = [Gif(labels=(0,))] * 95 + [Gif(labels=(1,))] * 5
    examples = open_examples(release(gifs), batch_size=10, num_draws=60, **PLAIN)
    drawn = Counter(number_of(examples, index) // 95 for _ in range(20) for index in taken(examples))
    assert 0.8 < drawn[1] / drawn[0] < 1.25
    assert [(name, num, round(expected)) for name, num, expected, _ in examples.class_draws()] == [
        ("common", 95, 30),
        ("rare", 5, 30),
    ]


def test_seed_and_epoch_say_what_comes_whoever_reads_it(release: Release) -> None:
    uri = release(MIXED)

    def frames(epoch: int = 0, **settings: Any) -> list[torch.Tensor]:
        examples = open_examples(uri, batch_size=8, min_examples=1, window=16, num_frames=2, **settings)
        examples.set_epoch(epoch)
        return [batch["frames"] for batch in examples]

    def same(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
        return len(some) == len(others) and all(map(torch.equal, some, others))

    first = frames()
    assert same(first, frames(num_readers=1, num_decoders=1, prefetch=1))
    assert not same(first, frames(seed=8))
    assert not same(first, frames(epoch=1))


def test_a_broken_epoch_goes_on_where_it_was(release: Release) -> None:
    uri = release(MIXED)
    settings: dict[str, Any] = {"batch_size": 4, "min_examples": 1, "window": 16, "num_frames": 2}
    whole = open_examples(uri, **settings)
    whole.set_epoch(3)
    wanted = list(whole)
    broken = open_examples(uri, **settings)
    broken.set_epoch(3)
    iterator = iter(broken)
    for _ in range(6):
        next(iterator)
    state = broken.state_dict()
    iterator.close()  # type: ignore[attr-defined]
    resumed = open_examples(uri, **settings)
    resumed.load_state_dict(state)
    resumed.set_epoch(3)
    rest = list(resumed)
    assert [batch["index"].tolist() for batch in rest] == [batch["index"].tolist() for batch in wanted[6:]]
    assert all(torch.equal(one["frames"], other["frames"]) for one, other in zip(rest, wanted[6:], strict=True))
    assert (resumed.epoch, resumed.step) == (4, 0)
    with pytest.raises(InputError, match="this state can't go on here: seed 7 is now 9"):
        open_examples(uri, **settings | {"seed": 9}).load_state_dict(state)


def test_who_names_a_run_gets_its_examples_also_after_the_next_one(release: Release) -> None:
    def frames(run_id: str | None) -> list[torch.Tensor]:
        examples = open_examples(uri, run_id, batch_size=8, scheme="natural", min_examples=1)
        return [batch["frames"] for batch in examples]

    uri = release(MIXED)
    before = frames("r1")
    write_release(uri, [*MIXED[20:], *MIXED[:10]], number=2)
    again, current = frames("r1"), frames(None)
    assert all(map(torch.equal, before, again)) and len(before) == len(again) == 5
    assert len(current) == 3
    assert all(torch.equal(one, other) for one, other in zip(current, frames("r2"), strict=True))


def test_ranks_share_an_epoch_in_equal_parts_and_no_draw_twice(release: Release) -> None:
    uri = release(MIXED)
    ranks = [
        open_examples(uri, rank=rank, world=3, batch_size=4, scheme="natural", window=8, **PLAIN) for rank in range(3)
    ]
    assert [len(rank) for rank in ranks] == [3, 3, 3]
    drawn = [taken(rank) for rank in ranks]
    assert [len(part) for part in drawn] == [12, 12, 12]
    assert max(Counter(index for part in drawn for index in part).values()) == 1


def test_held_out_gifs_come_once_each_as_they_are_and_fillers_have_no_index(release: Release) -> None:
    gifs = [Gif(split="validation" if number % 4 == 0 else "train") for number in range(36)]
    uri = release(gifs)
    parts = [taken(open_examples(uri, None, "validation", rank, 2, batch_size=2, min_examples=1)) for rank in range(2)]
    assert parts == [[0, 1, 2, 3, 4, 5], [6, 7, 8, -1, -1, -1]]
    examples = open_examples(uri, None, "validation", batch_size=2, min_examples=1, num_frames=4)
    batch = next(iter(examples))
    assert (batch["frames"][1].int() - grey(number_of(examples, 1))).abs().max() <= 1


def test_references_are_fetched_as_the_run_saw_them_and_a_changed_file_is_an_error(
    release: Release, tmp_path: Path
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.gif").write_bytes(gif_bytes(recipe_of(7, number)))
    config = open_config()
    loaded = [load_frames(str(tmp_path / f"{number}.gif"), config) for number in range(4)]
    gifs = [Gif(uri=str(tmp_path / f"{n}.gif"), version=gif.media.version) for n, gif in enumerate(loaded)]
    uri = release(gifs, stored=False)
    settings: dict[str, Any] = {"batch_size": 4, "scheme": "natural", **PLAIN}
    examples = open_examples(uri, **settings)
    batch = next(iter(examples))
    for place, index in enumerate(batch["index"].tolist()):
        frames = loaded[number_of(examples, index)].frames
        assert torch.equal(batch["frames"][place, : len(frames)], frames)
    (tmp_path / "2.gif").write_bytes(gif_bytes(recipe_of(8, 2)))
    with pytest.raises(AutotagError, match=r"g002: .*2\.gif is no longer the file that was tagged"):
        list(open_examples(uri, **settings))
    (tmp_path / "2.gif").unlink()
    with pytest.raises(AutotagError, match=r"g002: .*there is no such file"):
        list(open_examples(uri, **settings))


def open_config() -> Any:
    from autotag_core.config import FramesConfig

    return FramesConfig(size=SIZE)


@pytest.mark.parametrize("broken", [b"\xff\xd8\xff and no more", b"GIF89a", b""])
def test_a_frame_that_can_t_be_decoded_ends_the_epoch_with_its_gif_s_name(release: Release, broken: bytes) -> None:
    gifs = [Gif(files=(broken, broken)) if number == 7 else Gif() for number in range(20)]
    with pytest.raises(AutotagError, match=f"{gif_id(7)}: a stored frame of {len(broken)} bytes"):
        list(open_examples(release(gifs), batch_size=4, scheme="natural", **PLAIN))


def test_petastorm_s_own_metadata_is_refused_before_anything_is_unpickled(
    release: Release, pickle_trap: Callable[[str], Path]
) -> None:
    """tests/integration/test_petastorm.py shows that petastorm springs this trap."""
    uri = release(MIXED)
    sprung = pickle_trap(f"{uri}/training_examples")
    with pytest.raises(InputError, match="_common_metadata: this is petastorm's dataset metadata, a pickle"):
        open_examples(uri, **PLAIN)
    assert not sprung.exists()


def test_what_can_t_be_opened_is_said_in_one_line(release: Release) -> None:
    uri = release(MIXED)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"split": "dev"}, "split 'dev': train, validation or test"),
        ({"rank": 2, "world": 2}, "rank 2 of 2: ranks are 0 to world - 1"),
        ({"batch_size": 0, "shuffle": True}, "batch_size: .*; shuffle: Extra inputs"),
        ({"split": "test"}, "run r1 has no test examples"),
        ({"min_examples": 100}, "no label has 100 train examples, at most 40"),
        ({"batch_size": 100, "min_examples": 1}, "an epoch of 40 train draws does not fill one batch of 100"),
        ({"min_examples": 1, "max_classes": 1}, "2 labels have 1 train examples, more than max_classes=1"),
        ({"run_id": "r0"}, "run r0 published nothing"),
    ]
    for arguments, message in wrong:
        with pytest.raises(InputError, match=message):
            open_examples(uri, **arguments)


def test_rare_gifs_are_changed_more_than_common_ones() -> None:
    augmentation = Augmentation(common=0.4)
    found = [round(augmentation.strength(rate, 16), 2) for rate in (0.1, 1, 4, 16, 40)]
    assert found == [0.4, 0.4, 0.7, 1.0, 1.0]
