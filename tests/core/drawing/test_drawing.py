import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from autotag_core.drawing.drawing import MIN_SIDE, draw_states, draw_words, playing_order
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import MAX_FRAMES, MIN_FRAMES, MOTIONS, SCENES, SUBJECTS, WORDS, recipe_of
from autotag_core.drawing.subjects import DRAWINGS, draw_subject


def moving(index, change, order=0, **fields):
    return replace(recipe_of(7, index), change=change, order=order, num_frames=MIN_FRAMES, **fields)


def shown_frames(data):
    """What a viewer with a grey background shows, the bytes of each frame, as Pillow composites them."""
    with Image.open(io.BytesIO(data)) as image:
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            shown = Image.new("RGBA", image.size, (128, 128, 128, 255))
            shown.alpha_composite(image.convert("RGBA"))
            frames.append(shown.tobytes())
        return frames


def test_states_play_forward_backward_and_there_and_back():
    assert playing_order(5, 0) == [0, 1, 2, 3, 4]
    assert playing_order(5, 1) == [4, 3, 2, 1, 0]
    assert playing_order(5, 2) == [0, 2, 4, 3, 1]
    assert playing_order(6, 2) == [0, 2, 4, 5, 3, 1]


@pytest.mark.parametrize("change", MOTIONS)
@pytest.mark.parametrize("index", [1, 2])  # a sticker and a scene
def test_the_motions_of_one_change_are_the_same_frames_in_another_order(change, index):
    forward, backward, there_and_back = (shown_frames(gif_bytes(moving(index, change, order))) for order in range(3))
    assert len(set(forward)) == MIN_FRAMES
    assert backward == forward[::-1]
    assert there_and_back == [forward[i] for i in playing_order(MIN_FRAMES, 2)]


def test_the_delays_are_the_same_for_every_order():
    def delays(order):
        with Image.open(io.BytesIO(gif_bytes(moving(5, "size", order)))) as image:
            return [image.seek(number) or image.info["duration"] for number in range(image.n_frames)]

    assert len(set(delays(0))) > 1
    assert delays(0) == delays(1) == delays(2)


def test_a_file_shows_what_was_drawn_with_every_disposal_and_transparency():
    seen = Counter()
    for index in range(25):
        recipe = recipe_of(3, index)
        states = draw_states(recipe)
        data = gif_bytes(recipe)
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == states[0].size
            assert image.n_frames == recipe.num_frames
            for number, state in enumerate(playing_order(recipe.num_frames, recipe.order)):
                image.seek(number)
                seen[f"disposal {image.disposal_method}"] += 1
                frame, drawn = image.convert("RGBA"), states[state].convert("RGBA")
                assert frame.getchannel("A").tobytes() == drawn.getchannel("A").tobytes()
                seen["transparent"] += frame.getextrema()[3][0] == 0
                assert mean_difference(frame, drawn) < 12  # 40 colours of 16 million
    assert {"disposal 0", "disposal 1", "disposal 2", "transparent"} <= set(+seen)


def mean_difference(frame, drawn):
    """Mean levels (0..255) by which visible pixels differ."""
    visible = np.asarray(drawn)[..., 3] > 0
    return np.abs(np.asarray(frame, float) - np.asarray(drawn, float))[visible].mean() if visible.any() else 0.0


def test_every_subject_and_every_scene_is_drawn():
    assert set(DRAWINGS) == set(SUBJECTS)
    pictures = {
        (subject, scene): gif_bytes(replace(recipe_of(7, 0), subject=subject, scene=scene, change=None, num_frames=1))
        for subject in SUBJECTS
        for scene in {scene for scene in SCENES if scene}
    }
    assert len(set(pictures.values())) == len(SUBJECTS) * 6


def share_that_changes(picture, changed):
    """Of the pixels where either has something: the share that is visibly another colour."""
    before, after = (np.asarray(image, float) for image in (picture, changed))
    covered = (before[..., 3] > 0) | (after[..., 3] > 0)
    before, after = (pixels[..., :3] * pixels[..., 3:] / 255 for pixels in (before, after))
    return float((np.abs(before - after).max(-1) > 24)[covered].mean())


TURNS = (45, 60, 72, 90, 120, 180)
"""With a symmetry of order 2 to 8 one of these would change nothing, and a turn would look the same played backward."""


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_looks_different_however_it_is_turned_so_that_a_turn_has_a_direction(subject):
    for index in range(3):
        picture = draw_subject(subject, 7, index)
        for degrees in TURNS:
            assert share_that_changes(picture, picture.rotate(degrees)) > 0.2, degrees


def test_a_disc_would_not_pass_for_a_subject_that_turns():
    disc = Image.new("RGBA", (200, 200))
    ImageDraw.Draw(disc).ellipse((10, 10, 190, 190), "red")
    assert max(share_that_changes(disc, disc.rotate(degrees)) for degrees in TURNS) < 0.05


def test_every_phrase_fits_on_the_smallest_canvas():
    for phrase in (phrase for phrases in WORDS.values() for phrase in phrases):
        box = draw_words(replace(recipe_of(7, 0), phrase=phrase), (MIN_SIDE, MIN_SIDE)).getbbox()
        assert box is not None
        left, top, right, bottom = box
        assert left > 0 and top >= 0 and right < MIN_SIDE and bottom < MIN_SIDE, phrase
        assert bottom - top >= 12, phrase


def test_words_stay_on_every_frame_whatever_happens_behind_them():
    recipe = moving(4, "opacity", scene="sea", phrase="HELLO")
    without = [state.tobytes() for state in draw_states(replace(recipe, phrase=None))]
    assert all(state.tobytes() != bare for state, bare in zip(draw_states(recipe), without, strict=True))


def test_a_still_has_one_frame_and_no_motion_tag():
    still = next(recipe for recipe in (recipe_of(7, index) for index in range(500)) if recipe.change is None)
    assert still.factor_tags()["motion"] == []
    assert len(shown_frames(gif_bytes(still))) == 1


def test_gifs_have_between_ten_and_twenty_four_frames():
    counts = Counter(recipe_of(7, index).num_frames for index in range(2000))
    counts.pop(1)
    assert set(counts) == set(range(MIN_FRAMES, MAX_FRAMES + 1))
