"""From bytes to the model's frames: resize, still images, and what is left of cut and broken files."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import composite_frames, decode_frames, fit_frame, read_frames, read_header

SMALL = FramesConfig(size=32, background=(250, 3, 120))
PINK = [250, 3, 120]


def photo(height, width, seed=7):
    """Smooth colours with an edge, (height, width, 4), the fourth byte 255."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 30, (height, width))
    channels = [100 + 80 * np.sin(x / 9), 3 * y % 256, 200 * (x > y), np.full((height, width), 255)]
    return np.stack([np.clip(channel + noise, 0, 255) for channel in channels], axis=2).astype(np.uint8)


@pytest.mark.parametrize("shape", [(360, 360), (128, 128), (224, 224), (300, 500), (500, 301), (33, 90), (40, 160)])
def test_frames_are_fitted_as_torchvision_resizes_and_crops(shape):
    pixels = photo(*shape)
    planes = torch.from_numpy(pixels[..., :3].copy()).permute(2, 0, 1).contiguous()  # (3, height, width)
    expected = v2.Compose([v2.Resize(224, antialias=True), v2.CenterCrop(224)])(planes)
    found = fit_frame(pixels, 224)
    assert found.shape == (3, 224, 224)
    assert (found.int() - expected.int()).abs().max() <= 1


def test_frames_are_fitted_within_a_level_of_pillow():
    pixels = photo(360, 360)
    resized = Image.fromarray(pixels[..., :3].copy()).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.abs(fit_frame(pixels, 224).permute(1, 2, 0).numpy().astype(int) - np.asarray(resized)).max() <= 1


def test_a_very_long_canvas_is_cut_to_its_centre_before_it_is_resized():
    pixels = np.zeros((1, 60_001, 4), np.uint8)
    pixels[0, 30_000] = 200
    found = fit_frame(pixels, 224)
    assert found.shape == (3, 224, 224)
    assert found[:, :, 112].min() == 200
    assert found.min() >= 99  # 224 columns are the middle pixel, half way to its black neighbors at both edges
    assert fit_frame(np.ascontiguousarray(pixels.transpose(1, 0, 2)), 224).min() >= 99


def animation(gif, num_frames=6, side=16, **options):
    """Frames that differ everywhere, each a plain colour of the palette, more than one sub-block of noise long."""
    rng = np.random.default_rng(3)
    frames = [
        gif.Frame(tuple(tuple(int(v) for v in row) for row in rng.integers(0, 64, (side, side))), **options)
        for _ in range(num_frames)
    ]
    palette = tuple((3 * i, 255 - 3 * i, (40 * i) % 256) for i in range(64))
    return frames, gif.write(frames, (side, side), palette), palette


def test_frames_come_as_rgb_planes_with_their_indices(gif):
    palette = ((10, 20, 30), (40, 50, 60))
    data = gif.write([gif.Frame(((0,),)), gif.Frame(((1,),)), gif.Frame(((0,),))], (1, 1), palette)
    decoded = decode_frames(data, read_header(data), [0, 1], SMALL)
    assert decoded.frames.dtype == torch.uint8
    assert decoded.frames.shape == (2, 3, 32, 32)
    assert decoded.frames[0, :, 5, 5].tolist() == [10, 20, 30]
    assert decoded.frames[1, :, 31, 0].tolist() == [40, 50, 60]
    assert (decoded.indices, decoded.notes) == ((0, 1), ())


def test_the_same_bytes_give_the_same_frames_whatever_the_threads(gif):
    _, data, _ = animation(gif, side=40)
    threads = torch.get_num_threads()
    found = []
    try:
        for num_threads in (1, 2):
            torch.set_num_threads(num_threads)
            found.append(read_frames(data, FramesConfig()).frames)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)


def test_a_gif_of_one_frame_and_a_still_image_are_noted(gif):
    one = gif.write([gif.Frame(((0, 1),))], (2, 1), ((0, 0, 0), (9, 9, 9)))
    assert read_frames(one, SMALL).media.notes == ("single_frame",)
    assert read_frames(saved(Image.new("RGB", (9, 9)), "PNG"), SMALL).media.notes == ("still_image",)


def test_a_file_cut_anywhere_gives_the_frames_that_are_there(gif):
    frames, data, palette = animation(gif)
    expected = gif.expected(frames, (16, 16), palette, SMALL.background)
    num_refused = 0
    for length in range(len(data)):
        cut = data[:length]
        try:
            header = read_header(cut)
            found = [
                (c.frame_index, c.pixels[..., :3].copy(), c.damaged)
                for c in composite_frames(cut, header, range(header.num_frames), SMALL.background)
            ]
            notes = decode_frames(cut, header, range(header.num_frames), SMALL).notes
        except ItemError as error:
            assert error.reason in (Reason.EMPTY_FILE, Reason.NOT_AN_IMAGE, Reason.UNDECODABLE)
            assert length < data.index(b"\x2c") + 20  # before the first pixel of the first frame
            num_refused += 1
            continue
        assert "truncated" in notes
        for index, pixels, damaged in found[:-1]:
            assert not damaged
            np.testing.assert_array_equal(pixels, expected[index])
        index, pixels, _ = found[-1]
        # of the last one a beginning, in reading order, over what was there before
        before = expected[index - 1] if index else np.full_like(pixels, PINK)
        is_new = (pixels == expected[index]).all(axis=2).ravel()
        num_new = len(is_new) if is_new.all() else int(np.argmin(is_new))
        assert num_new > 0
        np.testing.assert_array_equal(pixels.reshape(-1, 3)[num_new:], before.reshape(-1, 3)[num_new:])
    assert num_refused > 10


def test_the_bytes_of_a_cut_sub_block_are_read(gif):
    rows = tuple(tuple(int(v) for v in row) for row in np.random.default_rng(5).integers(0, 4, (12, 12)))
    data = gif.write([gif.Frame(rows)], (12, 12), ((255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)))
    header = read_header(data[:-20])
    (canvas,) = composite_frames(data[:-20], header, [0], SMALL.background)
    painted = (canvas.pixels[..., :3] != PINK).any(axis=2)
    assert canvas.damaged
    assert 20 < painted.sum() < 144


def test_a_frame_of_broken_data_is_left_out_and_the_others_stay(gif):
    _, data, _ = animation(gif, num_frames=3)
    broken = bytearray(data)
    frame = read_header(data).frames[1]
    broken[frame.start + 1 : frame.start + 9] = b"\xff" * 8  # codes that stand for nothing yet
    decoded = decode_frames(bytes(broken), read_header(bytes(broken)), [0, 1, 2], SMALL)
    assert decoded.indices == (0, 2)
    assert decoded.notes == ("truncated",)
    whole = decode_frames(data, read_header(data), [0, 2], SMALL)
    assert torch.equal(decoded.frames, whole.frames)


def test_a_file_without_one_readable_frame_is_undecodable(gif):
    _, data, _ = animation(gif, num_frames=1)
    frame = read_header(data).frames[0]
    broken = data[: frame.start + 1] + b"\xff" * (len(data) - frame.start - 1)
    with pytest.raises(ItemError, match="not one of the 1 sampled frames of this GIF can be read") as caught:
        read_frames(broken, SMALL)
    assert caught.value.reason is Reason.UNDECODABLE


EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(EDITS, st.integers(0, 1))
def test_mutated_gifs_give_frames_or_an_item_error(gif, edits, interlaced):
    _, data, _ = animation(gif, num_frames=3, side=8, disposal=3, transparent=5, interlaced=bool(interlaced))
    for place, inserted, removed in edits:
        position = 6 + int(place * (len(data) - 6))
        data = data[:position] + inserted + data[position + removed :]
    try:
        loaded = read_frames(data, FramesConfig(size=32, num_frames=3, max_pixels=2_000_000))
    except ItemError as error:
        assert error.reason in (Reason.UNDECODABLE, Reason.TOO_MANY_PIXELS)
        return
    assert loaded.frames.shape[1:] == (3, 32, 32)
    assert 1 <= len(loaded.frames) <= 3


def saved(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def still(data, background=SMALL.background):
    header = read_header(data)
    (canvas,) = composite_frames(data, header, [0], background)
    return canvas.pixels.copy(), canvas.damaged


def test_still_images_of_every_mode_are_composited_on_the_background():
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    half.putpixel((1, 0), (10, 20, 30, 255))
    indexed = Image.new("P", (2, 1))
    indexed.putpalette([1, 2, 3, 10, 20, 30])
    indexed.putpixel((1, 0), 1)
    deep = Image.fromarray(np.array([[256 * 7, 65535]], np.uint16))
    expected = [[[*PINK, 255], [10, 20, 30, 255]]]
    assert still(saved(half, "PNG"))[0].tolist() == expected
    assert still(saved(half, "WEBP", lossless=True))[0].tolist() == expected
    assert still(saved(indexed, "PNG", transparency=0))[0].tolist() == expected
    assert still(saved(deep, "PNG"))[0].tolist() == [[[7, 7, 7, 255], [255] * 4]]
    assert still(saved(Image.new("L", (1, 1), 77), "JPEG"))[0].tolist() == [[[77, 77, 77, 255]]]
    assert still(saved(Image.new("CMYK", (1, 1), (0, 0, 0, 0)), "JPEG"))[0].tolist() == [[[255] * 4]]


@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_a_cut_still_image_keeps_the_rows_that_are_there(name):
    image = Image.fromarray(np.maximum(photo(200, 200)[..., :3], 1))
    data = saved(image, name)
    whole, _ = still(data)
    cut, damaged = still(data[: len(data) // 2])
    assert damaged
    np.testing.assert_array_equal(cut[:40], whole[:40])
    assert cut[199, 5, :3].tolist() == PINK
    assert read_frames(data[: len(data) // 2], SMALL).media.notes == ("still_image", "truncated")


def test_animated_webp_frames_are_what_was_written_and_a_cut_file_has_its_whole_ones():
    frames = [Image.new("RGBA", (30, 20), (9, 50 * i, 200, 255 * (i != 1))) for i in range(4)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=80, lossless=True)
    loaded = read_frames(data, SMALL)
    assert loaded.frames[:, :, 9, 9].tolist() == [[9, 0, 200], PINK, [9, 100, 200], [9, 150, 200]]
    assert (loaded.media.duration_ms, loaded.media.notes) == (320, ())
    cut = read_frames(data[:-10], SMALL)
    assert cut.frames[:, :, 9, 9].tolist() == [[9, 0, 200], PINK, [9, 100, 200]]
    assert cut.media.notes == ("truncated",)
