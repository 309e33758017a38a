"""What may change in a GIF and what must not, against torchvision and by literal clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from autotag_core.training.augmentation import Augmentation, _recoloured, augmented, chosen_frames, jittered_frames

NONE = Augmentation(crop=0, flip=False, colour=0, speed=1, time_jitter=0, frame_drop=0)
CLIP = torch.randint(0, 256, (4, 3, 20, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_allowed_is_nothing_changed() -> None:
    square = CLIP[..., :20]
    assert torch.equal(augmented(square, Augmentation(crop=0, flip=False, colour=0), 0.0, True, rng()), square)
    assert jittered_frames(9, 4, NONE, 1, rng()) == chosen_frames(9, 4) == [1, 3, 5, 7]


def test_all_frames_of_a_gif_change_alike() -> None:
    still = CLIP[:1].expand(4, -1, -1, -1)
    for seed in range(10):
        changed = augmented(still, Augmentation(), 1, True, rng(seed))
        assert all(torch.equal(changed[0], frame) for frame in changed[1:])
        assert not torch.equal(changed[0], still[0])


def test_a_gif_with_words_is_never_mirrored_and_others_half_the_time() -> None:
    mirror = Augmentation(crop=0, colour=0)
    square = CLIP[..., :20]
    assert all(torch.equal(augmented(square, mirror, 0, False, rng(seed)), square) for seed in range(20))
    flipped = [torch.equal(augmented(square, mirror, 0, True, rng(seed)), square.flip(-1)) for seed in range(100)]
    assert 30 < sum(flipped) < 70


@pytest.mark.parametrize("factors", [(0.7, 1, 1), (1, 1.3, 1), (1, 1, 0.6), (1, 1, 1)])
def test_colours_change_as_torchvision_changes_them(factors: tuple[float, float, float]) -> None:
    image = CLIP[:1] // 2 + 40  # nothing is cut off at 0 or 255
    image = image[..., :1, :1].expand(-1, -1, 8, 8)  # one colour: its mean is every fourth pixel's
    brightness, contrast, saturation = factors
    wanted = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(image, brightness), contrast), saturation)
    assert (_recoloured(image, np.array(factors)).int() - wanted.int()).abs().max() <= 1


def test_time_goes_forwards_at_another_speed_and_some_frames_are_missing() -> None:
    lengths, turns = set(), 0
    for seed in range(200):
        found = jittered_frames(8, 8, Augmentation(), 1, rng(seed))
        assert 1 <= len(found) <= 8 and set(found) <= set(range(8))
        steps = np.diff(found)
        turns += (steps < 0).sum()
        assert (steps < 0).sum() <= 1, "at most one new start of the loop"
        lengths.add(len(found))
    assert len(lengths) > 3
    assert turns > 20, "played faster, it starts again"
    shaken = Augmentation(speed=1, time_jitter=1.5, frame_drop=0)
    for seed in range(20):
        assert (np.diff(jittered_frames(12, 12, shaken, 1, rng(seed))) < 0).sum() <= 1, "never backwards"
    assert jittered_frames(1, 16, Augmentation(), 1, rng()) == [0]
