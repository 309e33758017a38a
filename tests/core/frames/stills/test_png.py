"""PNGs: transparency of every depth, cut and interlaced ones, metadata, and which pictures of an APNG are shown."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import composite_frames, read_frames, read_header

GREY, RGB, INDEXED = 0, 2, 3


@pytest.mark.parametrize(
    ("depth", "rows", "transparent", "greys"),
    [
        (1, [[0b01000000]], 1, [0, None, 0]),
        (1, [[0b01000000]], 0, [None, 255, None]),
        (2, [[0b00011000]], 2, [0, 85, None]),
        (4, [[0x0A, 0x50]], 10, [0, None, 85]),
        (4, [[0x0A, 0x50]], 0xFF5A, [0, None, 85]),  # bits above the depth do not count
        (8, [[0, 10, 255]], 10, [0, None, 255]),
        (16, [[0x12, 0x34, 0x12, 0x35, 0xFF, 0xFF]], 0x1234, [None, 0x12, 255]),
        (16, [[0x12, 0x34, 0x12, 0x35, 0xFF, 0xFF]], 0x12, [0x12, 0x12, 255]),
    ],
)
def test_the_transparent_grey_is_a_sample_of_the_files_own_depth(stills, depth, rows, transparent, greys):
    data = stills.png(
        stills.header(3, 1, depth, GREY),
        stills.chunk(b"tRNS", struct.pack(">H", transparent)),
        stills.chunk(b"IDAT", stills.packed(rows)),
    )
    expected = [list(stills.PINK) if grey is None else [grey] * 3 for grey in greys]
    assert stills.shown(data)[0].tolist() == [expected]


def test_the_transparent_colour_of_16_bits_is_compared_in_all_of_them(stills):
    pixels = struct.pack(">9H", 0x0102, 0x0304, 0x0506, 0x0102, 0x0304, 0x0507, 0x0202, 0x0304, 0x0506)
    data = stills.png(
        stills.header(3, 1, 16, RGB),
        stills.chunk(b"tRNS", struct.pack(">3H", 0x0102, 0x0304, 0x0506)),
        stills.chunk(b"IDAT", stills.packed([pixels])),
    )
    assert stills.shown(data)[0].tolist() == [[list(stills.PINK), [1, 3, 5], [2, 3, 5]]]


def test_the_transparent_colour_of_8_bits_is_that_colour_alone(stills):
    data = stills.png(
        stills.header(2, 1, 8, RGB),
        stills.chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)),
        stills.chunk(b"IDAT", stills.packed([[1, 2, 3, 1, 2, 4]])),
    )
    assert stills.shown(data)[0].tolist() == [[list(stills.PINK), [1, 2, 4]]]


def test_a_palette_has_shares_of_alpha(stills):
    data = stills.png(
        stills.header(4, 1, 2, INDEXED),
        stills.chunk(b"PLTE", bytes([0, 0, 0, 200, 0, 0, 0, 200, 0])),
        stills.chunk(b"tRNS", bytes([0, 51])),
        stills.chunk(b"IDAT", stills.packed([[0b00011011]])),
    )
    faint = [(200 * 51 + 250 * 204 + 127) // 255, (3 * 204 + 127) // 255, (120 * 204 + 127) // 255]
    assert stills.shown(data)[0].tolist() == [[list(stills.PINK), faint, [0, 200, 0], [0, 0, 0]]]


@pytest.mark.parametrize("body", [b"", b"\0", bytes(5)])
def test_transparency_that_is_cut_or_stands_in_the_wrong_place_is_none(stills, body):
    head, pixels = stills.header(1, 1, 8, RGB), stills.chunk(b"IDAT", stills.packed([[0, 0, 0]]))
    assert stills.shown(stills.png(head, stills.chunk(b"tRNS", body), pixels))[0].tolist() == [[[0, 0, 0]]]
    assert stills.shown(stills.png(head, pixels, stills.chunk(b"tRNS", bytes(6))))[0].tolist() == [[[0, 0, 0]]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_colour_type_is_what_pillow_shows(stills, mode):
    picture = Image.fromarray(stills.photo())
    picture = (
        Image.fromarray(np.asarray(picture.convert("L")) * np.uint16(257)) if mode == "I;16" else picture.convert(mode)
    )
    expected = (
        np.asarray(picture.convert("L"))
        if mode == "1"
        else np.asarray(Image.fromarray(stills.photo()).convert("L" if mode == "I;16" else mode).convert("RGB"))
    )
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, axis=2)
    np.testing.assert_array_equal(stills.shown(stills.saved(picture, "PNG"))[0], expected)


def bomb(keyword):
    return keyword + b"\0\0" + zlib.compress(bytes(70 * 2**20), 9)


METADATA = {
    "colour profile that is a bomb": (b"iCCP", bomb(b"icc")),
    "colour profile of an unknown method": (b"iCCP", b"icc\0\x07abc"),
    "colour profile without a name": (b"iCCP", b"abc"),
    "text that is a bomb": (b"zTXt", bomb(b"Comment")),
    "text of an unknown method": (b"zTXt", b"Comment\0\x09abc"),
    "text in no language": (b"iTXt", b"Comment\0\x01\0"),
    "large text": (b"tEXt", b"Comment\0" + b"x" * 3_000_000),
    "short gamma": (b"gAMA", b"\0"),
    "short colours": (b"cHRM", bytes(9)),
    "short pixel size": (b"pHYs", bytes(3)),
    "no rendering intent": (b"sRGB", b""),
    "broken EXIF": (b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "EXIF of nothing": (b"eXIf", b""),
    "animation control that is cut": (b"acTL", b"\0\0"),
    "frame control that is cut": (b"fcTL", b"\0\0\0\0"),
    "a chunk nobody knows": (b"teSt", b"abc"),
    "long time": (b"tIME", bytes(99)),
}


@pytest.mark.parametrize("broken", METADATA.values(), ids=METADATA)
def test_metadata_does_not_matter(stills, broken):
    data = stills.saved(Image.fromarray(stills.photo()), "PNG")
    sound = stills.chunk(*broken)
    for written in (sound, sound[:-4] + b"oops"):  # with its checksum, and with another
        pixels, damaged = stills.shown(data[:33] + written + data[33:])
        np.testing.assert_array_equal(pixels, stills.photo())
        assert not damaged


def test_a_wrong_checksum_of_the_pixels_does_not_matter_either(stills):
    data = stills.saved(Image.fromarray(stills.photo()), "PNG")
    start = data.index(b"IDAT")
    end = start + 4 + int.from_bytes(data[start - 4 : start], "big")
    np.testing.assert_array_equal(stills.shown(data[:end] + b"oops" + data[end + 4 :])[0], stills.photo())


def stored(stills, data):
    """The file with its pixel data packed without compression: a row takes the same bytes everywhere."""
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start], "big")
    rows = zlib.decompress(data[start + 4 : start + 4 + length])
    return data[: start - 4] + stills.chunk(b"IDAT", zlib.compress(rows, 0)) + stills.chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_black_rows_of_a_cut_png_stay_black_and_missing_ones_do_not(stills, mode):
    picture = stills.photo()
    picture[60:150] = 0
    data = stored(stills, stills.saved(Image.fromarray(picture).convert(mode), "PNG"))
    whole = stills.shown(data)[0]
    heights = []
    for share in range(5, 100, 5):
        start = data.index(b"IDAT")
        pixels, damaged = stills.shown(data[: start + (len(data) - start) * share // 100])
        missing = (pixels == stills.PINK).all(axis=(1, 2))
        heights.append(int(missing.argmax()))
        assert damaged
        np.testing.assert_array_equal(pixels[: heights[-1]], whole[: heights[-1]])
        assert missing[heights[-1] + 1 :].all()  # of one row there may be a beginning
    assert np.abs(np.array(heights) - 203 * np.arange(5, 100, 5) / 100).max() < 6


def interlaced(stills, picture):
    """Pillow does not write them: seven small pictures, one after the other."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [
        row
        for top, left, down, right in passes
        for row in picture[top::down, left::right].reshape(-1, -(-(picture.shape[1] - left) // right) * 3)
    ]
    packed = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 0)
    head = stills.header(picture.shape[1], picture.shape[0], 8, RGB, interlaced=1)
    return stills.png(head, stills.chunk(b"IDAT", packed))


def test_a_cut_interlaced_png_shows_each_pixel_as_its_block(stills):
    picture = stills.photo(64, 40)
    data = interlaced(stills, picture)
    np.testing.assert_array_equal(stills.shown(data)[0], picture)
    first = 8 * (1 + 3 * 5)  # the first pass has 8 rows of 5 pixels
    pixels, damaged = stills.shown(data[: data.index(b"IDAT") + 4 + 7 + first])
    assert damaged
    np.testing.assert_array_equal(pixels, picture[::8, ::8].repeat(8, axis=0).repeat(8, axis=1))
    half, _ = stills.shown(data[: data.index(b"IDAT") + 4 + 7 + first // 2])
    np.testing.assert_array_equal(half[:32], pixels[:32])
    assert (half[32:] == stills.PINK).all()


def test_a_later_pass_of_an_interlaced_png_makes_blocks_smaller(stills):
    picture = stills.photo(64, 40)
    data = interlaced(stills, picture)
    passes = 8 * (1 + 15) + 8 * (1 + 15) + 8 * (1 + 30)
    pixels, _ = stills.shown(data[: data.index(b"IDAT") + 4 + 7 + passes])
    np.testing.assert_array_equal(pixels, picture[::4, ::4].repeat(4, axis=0).repeat(4, axis=1))


def test_a_png_without_one_row_is_undecodable(stills):
    data = stills.saved(Image.fromarray(stills.photo()), "PNG")
    for length in (20, 33, 41, 44):
        with pytest.raises(ItemError) as caught:
            read_frames(data[:length], FramesConfig())
        assert caught.value.reason is Reason.UNDECODABLE


def control(stills, number, box, delay=(1, 10), dispose=0, blend=0):
    left, top, width, height = box
    body = struct.pack(">IIIIIHHBB", number, width, height, left, top, *delay, dispose, blend)
    return stills.chunk(b"fcTL", body)


def frame(stills, number, rows):
    return stills.chunk(b"fdAT", struct.pack(">I", number) + stills.packed(rows))


R, G, B, CLEAR = [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]


def canvases(data, indices, background=(250, 3, 120)):
    found = composite_frames(data, read_header(data), indices, background)
    return {one.frame_index: one.pixels[..., :3].tolist() for one in found}


def apng(stills, *frames, default_is_a_frame=False):
    """2 x 1 pixels; frames are (box, pixels, options)."""
    parts = [stills.header(2, 1, 8, 6), stills.chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    default = stills.chunk(b"IDAT", stills.packed([[9, 9, 9, 255] * 2]))
    if not default_is_a_frame:
        parts.append(default)
    for number, (box, pixels, options) in enumerate(frames):
        parts.append(control(stills, 2 * number, box, **options))
        if default_is_a_frame and number == 0:
            parts.append(default)
        else:
            parts.append(frame(stills, 2 * number + 1, [[value for pixel in pixels for value in pixel]]))
    return stills.png(*parts)


WHOLE, RIGHT = (0, 0, 2, 1), (1, 0, 1, 1)


def test_a_default_image_that_is_no_frame_is_not_shown(stills):
    data = apng(stills, (WHOLE, [R, G], {}), (RIGHT, [B], {"delay": (3, 0)}))
    found = read_header(data)
    assert (found.num_frames, found.delays_ms, found.truncated) == (2, (100, 30), False)
    assert canvases(data, [0, 1]) == {0: [[R[:3], G[:3]]], 1: [[R[:3], B[:3]]]}
    media = read_frames(data, FramesConfig(size=32)).media
    assert (media.num_frames, media.num_sampled, media.duration_ms, media.notes) == (2, 2, 130, ())


def test_a_default_image_that_is_the_first_frame_is_shown(stills):
    data = apng(stills, (WHOLE, [], {}), (RIGHT, [B], {}), default_is_a_frame=True)
    assert canvases(data, [0, 1]) == {0: [[[9] * 3] * 2], 1: [[[9] * 3, B[:3]]]}


PINK = [250, 3, 120]


@pytest.mark.parametrize(
    ("options", "second", "third"),
    [
        ({}, [R[:3], PINK], [R[:3], PINK]),
        ({"blend": 1}, [R[:3], G[:3]], [R[:3], G[:3]]),
        ({"dispose": 1}, [R[:3], PINK], [R[:3], PINK]),
        ({"dispose": 2}, [R[:3], PINK], [R[:3], G[:3]]),
    ],
)
def test_frames_of_an_apng_are_disposed_of_and_blended_as_they_say(stills, options, second, third):
    """Frame 1 is one clear pixel over a green one; frame 2 paints nothing."""
    frames = (WHOLE, [R, G], {}), (RIGHT, [CLEAR], options), ((0, 0, 1, 1), [CLEAR], {"blend": 1})
    data = apng(stills, *frames)
    expected = {0: [[R[:3], G[:3]]], 1: [second], 2: [third]}
    for indices in ([0, 1, 2], [2], [1]):
        assert canvases(data, indices) == {index: expected[index] for index in indices}


def test_a_broken_frame_of_an_apng_costs_no_other(stills):
    data = apng(stills, (WHOLE, [R, G], {}), (WHOLE, [B, B], {}), (RIGHT, [R], {}))
    broken = stills.packed([B + B])
    data = data.replace(broken, b"\xff" * len(broken))
    assert canvases(data, [0, 1, 2]) == {0: [[R[:3], G[:3]]], 2: [[R[:3], R[:3]]]}
    assert read_frames(data, FramesConfig(size=32)).media.notes == ("truncated",)


def test_a_frame_outside_the_canvas_is_left_out(stills):
    data = apng(stills, ((0, 0, 60_000, 60_000), [B], {}), (WHOLE, [R, G], {}), ((2, 0, 1, 1), [B], {}))
    assert read_header(data).num_frames == 1
    assert canvases(data, [0]) == {0: [[R[:3], G[:3]]]}


def test_an_animation_without_a_frame_shows_its_default_image(stills):
    data = apng(stills)
    head = data.index(b"acTL")
    data = data[: head + 4] + struct.pack(">I", 3) + data[head + 8 :]
    assert canvases(data, [0]) == {0: [[[9] * 3] * 2]}
    assert read_header(data).num_frames == 1


def test_animations_are_what_pillow_shows(stills, tmp_path):
    pictures = [Image.fromarray(stills.photo(40, 60, seed)).convert("RGBA") for seed in range(5)]
    pictures[3].putalpha(Image.fromarray(np.uint8(255) * (stills.photo(40, 60)[..., 2] > 120)))
    for disposal in (0, 1):  # Pillow takes 2 for what the first frame left; the specification does not
        for blend in (0, 1):
            path = tmp_path / "a.png"
            pictures[0].save(
                path, save_all=True, append_images=pictures[1:], duration=70, disposal=disposal, blend=blend
            )
            found = canvases(path.read_bytes(), [0, 2, 3, 4])
            with Image.open(path) as image:
                for index, shown in found.items():
                    image.seek(index)
                    under = Image.new("RGBA", image.size, (250, 3, 120, 255))
                    under.alpha_composite(image.convert("RGBA"))
                    difference = np.array(shown).astype(int) - np.asarray(under)[..., :3]
                    assert np.abs(difference).max() <= 2, (disposal, blend, index)
