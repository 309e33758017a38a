"""What headers say, and that hostile ones say no more than an ItemError."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames import Header, read_header
from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES

SCREEN = b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0x80, 0, 0) + bytes(6)  # 3 x 2, a palette of 2 colours
IMAGE = b"\x2c" + struct.pack("<HHHHB", 0, 0, 3, 2, 0)
DATA = b"\x02\x02\x44\x01\x00"  # code size 2, one sub-block of two bytes, terminator
COMMENT = b"\x21\xfe\x03abc\x00"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
TRAILER = b"\x3b"


def control(delay, flags=0, transparent=0):
    return b"\x21\xf9\x04" + struct.pack("<BHB", flags, delay, transparent) + b"\0"


def reason_of(data):
    with pytest.raises(ItemError) as caught:
        read_header(data)
    assert caught.value.stage is Stage.FRAMES
    return caught.value.reason


def test_a_gif_header_says_canvas_frames_and_delays():
    data = SCREEN + LOOP + control(7) + COMMENT + IMAGE + DATA + COMMENT + control(25) + IMAGE + DATA + TRAILER
    header = read_header(data)
    assert (header.format, header.width, header.height, header.num_frames) == ("GIF", 3, 2, 2)
    assert (header.delays_ms, header.duration_ms) == ((70, 250), 320)
    assert (header.num_bytes, header.truncated) == (len(data), False)


@pytest.mark.parametrize(("hundredths", "shown_ms"), [(0, 100), (1, 100), (2, 20), (10, 100), (65535, 655_350)])
def test_delays_of_at_most_10_ms_are_shown_for_100(hundredths, shown_ms):
    assert read_header(SCREEN + control(hundredths) + IMAGE + DATA + TRAILER).delays_ms == (shown_ms,)


def test_a_delay_holds_for_the_next_frame_only():
    assert read_header(SCREEN + control(7) + IMAGE + DATA + IMAGE + DATA + TRAILER).delays_ms == (70, 100)


def test_what_stands_in_a_frame_is_found_without_decoding_it():
    palette = bytes(range(12))
    image = b"\x2c" + struct.pack("<HHHHB", 1, 0, 2, 1, 0x40 | 0x81) + palette
    data = SCREEN + control(5, flags=3 << 2 | 1, transparent=9) + image + DATA + TRAILER
    frame = read_header(data).frames[0]
    assert (frame.left, frame.top, frame.width, frame.height) == (1, 0, 2, 1)
    assert (frame.disposal, frame.transparent, frame.interlaced, frame.min_code_size) == (3, 9, True, 2)
    assert data[frame.palette[0] :].startswith(palette)
    assert frame.palette[1] == 4
    assert data[frame.start : frame.end] == DATA[1:]
    assert frame.whole


def test_disposal_4_means_3_and_more_means_none():
    frames = b"".join(control(5, flags=disposal << 2) + IMAGE + DATA for disposal in range(8))
    assert [frame.disposal for frame in read_header(SCREEN + frames + TRAILER).frames] == [0, 1, 2, 3, 3, 0, 0, 0]


@pytest.mark.parametrize(
    ("tail", "num_frames", "truncated"),
    [
        (TRAILER, 1, False),
        (TRAILER + b"anything", 1, False),
        (b"\0\0\0" + TRAILER, 1, False),
        (b"", 1, True),
        (b"\0\0", 1, True),
        (b"junk" + IMAGE + DATA + TRAILER, 1, True),
        (IMAGE[:5], 1, True),
        (IMAGE, 1, True),
        (IMAGE + DATA[:2], 1, True),
        (IMAGE + DATA[:3], 2, True),
        (IMAGE + DATA[:4], 2, True),
        (COMMENT[:4], 1, True),
        (b"\x21", 1, True),
        (control(5)[:2], 1, True),
        (control(5, flags=1)[:5], 1, True),
    ],
)
def test_a_file_that_ends_early_has_the_frames_whose_pixels_begin(tail, num_frames, truncated):
    header = read_header(SCREEN + IMAGE + DATA + tail)
    assert (header.num_frames, header.truncated) == (num_frames, truncated)


def test_the_canvas_grows_to_the_first_frame_and_no_later_one():
    large = b"\x2c" + struct.pack("<HHHHB", 4, 1, 10, 20, 0) + DATA
    first, later = read_header(SCREEN + large + TRAILER), read_header(SCREEN + IMAGE + DATA + large + TRAILER)
    assert (first.width, first.height) == (14, 21)
    assert (later.width, later.height) == (3, 2)


@pytest.mark.parametrize("side", [65_535, 40_000, 7_100])
def test_an_absurd_first_frame_does_not_grow_the_canvas(side):
    absurd = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + DATA
    header = read_header(SCREEN + absurd + IMAGE + DATA + TRAILER)
    assert (header.width, header.height, header.num_frames) == (3, 2, 2)


def test_pixels_count_the_frames_that_have_to_be_decoded():
    large = b"\x2c" + struct.pack("<HHHHB", 0, 0, 10, 20, 0) + DATA
    small = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + DATA
    header = read_header(
        SCREEN + IMAGE + DATA + small + large + small + control(5, flags=2 << 2) + small + small + TRAILER
    )
    found = {last: header.num_pixels([last]) for last in range(6)}
    # of the large frame two rows of 10 show; frame 4 clears its area, and is decoded only where it is sampled
    assert found == {0: (6, 1), 1: (12, 2), 2: (32, 3), 3: (38, 4), 4: (44, 5), 5: (44, 5)}


def saved(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


@pytest.mark.parametrize("options", [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})])
def test_still_images_have_one_frame_and_no_duration(options):
    data = saved(Image.new("RGB", (30, 20), (9, 120, 200)), options[0], **options[1])
    assert read_header(data) == Header(options[0], 30, 20, 1, (0,), len(data), truncated=False)


def test_a_still_webp_with_transparency_has_one_frame():
    data = saved(Image.new("RGBA", (31, 20), (9, 120, 200, 90)), "WEBP")
    assert read_header(data) == Header("WEBP", 31, 20, 1, (0,), len(data), truncated=False)


def animated_webp(delays):
    frames = [Image.new("RGB", (30, 20), (9, 50 * i, 200)) for i in range(len(delays))]
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=delays)


def test_an_animated_webp_has_its_frames_and_delays():
    data = animated_webp([40, 5, 700])
    header = read_header(data)
    assert header == Header("WEBP", 30, 20, 3, (40, 100, 700), len(data), truncated=False, frames=header.frames)
    assert [(frame.left, frame.top, frame.width, frame.height) for frame in header.frames] == [(0, 0, 30, 20)] * 3


def test_a_cut_animated_webp_has_its_whole_frames():
    data = animated_webp([40, 50, 60])
    header = read_header(data[: data.rindex(b"ANMF") + 30])
    assert (header.num_frames, header.delays_ms, header.truncated) == (2, (40, 50), True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"x", Reason.NOT_AN_IMAGE),
        (b"<html><body>404</body></html>", Reason.NOT_AN_IMAGE),
        (b"BM" + bytes(60), Reason.NOT_AN_IMAGE),
        (b"GIF88a" + SCREEN[6:], Reason.NOT_AN_IMAGE),
        (b"RIFF\x10\0\0\0WAVEfmt ", Reason.NOT_AN_IMAGE),
        (b"GIF89a", Reason.UNDECODABLE),
        (SCREEN[:12], Reason.UNDECODABLE),
        (SCREEN, Reason.UNDECODABLE),
        (SCREEN + TRAILER, Reason.UNDECODABLE),
        (SCREEN + IMAGE, Reason.UNDECODABLE),
        (b"GIF89a" + bytes(7) + b"\x2c" + bytes(9) + DATA, Reason.UNDECODABLE),  # canvas and frame 0 x 0
        (b"RIFF\xff\0\0\0WEBPVP8X", Reason.UNDECODABLE),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), Reason.UNDECODABLE),
        (b"\x89PNG\r\n\x1a\n", Reason.UNDECODABLE),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Reason.UNDECODABLE),
    ],
)
def test_what_is_no_image_is_told_from_an_image_without_frames(data, reason):
    assert reason_of(data) is reason


def test_a_message_says_what_was_found_instead_of_an_image():
    with pytest.raises(ItemError, match=r"^frames: not_an_image: 14 bytes of text; it must be a GIF"):
        read_header(b"<!DOCTYPE html")


@pytest.mark.parametrize(
    "filling",
    [IMAGE + b"\x02\0", b"\x21\xfe\x00", b"\0", b"\x21\xfe" + b"\x01\xff" * 500 + b"\0"],
    ids=["empty frames", "empty extensions", "zeros", "one-byte sub-blocks"],
)
def test_20_mib_of_tiny_blocks_are_walked_once(filling):
    data = SCREEN + IMAGE + DATA + filling * (20 * 2**20 // len(filling))
    header = read_header(data)
    assert header.num_frames == (MAX_COUNTED_FRAMES if filling.startswith(IMAGE) else 1)


SEEDS = [
    SCREEN + LOOP + control(7) + COMMENT + IMAGE + DATA + control(0) + IMAGE + DATA + TRAILER,
    animated_webp([40, 50]),
    saved(Image.new("RGBA", (30, 20), (9, 120, 200, 90)), "WEBP"),
    saved(Image.new("P", (9, 9)), "PNG"),
    saved(Image.new("RGB", (9, 9)), "JPEG"),
]
EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=4), st.integers(0, 4)), max_size=6)


def mutated(data, edits):
    for place, inserted, removed in edits:
        position = int(place * len(data))
        data = data[:position] + inserted + data[position + removed :]
    return data


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), EDITS)
def test_mutated_files_give_a_header_or_an_item_error(seed, edits):
    data = mutated(seed, edits)
    try:
        header = read_header(data)
    except ItemError:
        return
    assert header.width > 0
    assert header.height > 0
    assert len(header.delays_ms) == header.num_frames >= 1
    assert header.num_bytes == len(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"GIF89a", b"RIFF\xff\xff\0\0WEBP", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]), st.binary())
def test_any_bytes_after_a_signature_give_a_header_or_an_item_error(signature, rest):
    try:
        read_header(signature + rest)
    except ItemError as error:
        assert error.reason in (Reason.UNDECODABLE, Reason.NOT_AN_IMAGE)


def test_real_gifs_have_as_many_frames_as_pillow_counts(real_gifs):
    for path in real_gifs:
        header = read_header(path.read_bytes())
        with Image.open(path) as image:
            assert (header.num_frames, header.width, header.height) == (image.n_frames, *image.size), path.name
        assert not header.truncated
