"""Composited GIF frames against a compositor of our own, and against Pillow where Pillow does as browsers do."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autotag_core.frames import composite_frames, gif_canvas, read_header, sample_indices

R, G, B, K = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)
W = (255, 255, 255)
PALETTE = (R, G, B, K)
PINK = (250, 3, 120)


def canvases(data, indices=None, background=W):
    """RGB copies of the canvases of these frames (default: all)."""
    header = read_header(data)
    wanted = range(header.num_frames) if indices is None else indices
    found = [
        (canvas.frame_index, canvas.pixels.copy(), canvas.damaged)
        for canvas in composite_frames(data, header, wanted, background)
    ]
    assert all((pixels[..., 3] == 255).all() for _, pixels, _ in found)
    assert not any(damaged for _, _, damaged in found)
    assert [index for index, _, _ in found] == list(wanted)
    return [pixels[..., :3] for _, pixels, _ in found]


def rows(canvas):
    return [[tuple(int(channel) for channel in colour) for colour in row] for row in canvas]


def test_disposal_0_and_1_keep_what_was_painted(gif):
    for disposal in (0, 1):
        frames = [gif.Frame(((0, 0),), disposal=disposal), gif.Frame(((2,),), left=1)]
        assert [rows(c) for c in canvases(gif.write(frames, (2, 1), PALETTE))] == [[[R, R]], [[R, B]]]


def test_disposal_2_clears_the_frames_own_area_to_the_background(gif):
    frames = [gif.Frame(((0, 0, 0),)), gif.Frame(((1,),), left=1, disposal=2), gif.Frame(((2,),), left=2)]
    shown = canvases(gif.write(frames, (3, 1), PALETTE), background=PINK)
    assert [rows(c) for c in shown] == [[[R, R, R]], [[R, G, R]], [[R, PINK, B]]]


def test_disposal_2_clears_also_where_its_frame_is_not_sampled(gif):
    frames = [gif.Frame(((0, 0, 0),)), gif.Frame(((1,),), left=1, disposal=2), gif.Frame(((2,),), left=2)]
    assert [rows(c) for c in canvases(gif.write(frames, (3, 1), PALETTE), [0, 2], PINK)] == [
        [[R, R, R]],
        [[R, PINK, B]],
    ]


def test_disposal_3_puts_back_what_was_there(gif):
    frames = [gif.Frame(((0, 0, 0),)), gif.Frame(((1, 1),), left=1, disposal=3), gif.Frame(((2,),), left=2)]
    assert [rows(c) for c in canvases(gif.write(frames, (3, 1), PALETTE))] == [[[R, R, R]], [[R, G, G]], [[R, R, B]]]


def test_disposal_3_of_an_opaque_full_frame_still_brings_back_what_it_covered(gif):
    frames = [gif.Frame(((0, 0),)), gif.Frame(((1, 1),), disposal=3), gif.Frame(((2,),), left=1)]
    data = gif.write(frames, (2, 1), PALETTE)
    assert rows(canvases(data, [2])[0]) == [[R, B]]
    assert [rows(c) for c in canvases(data, [1, 2])] == [[[G, G]], [[R, B]]]


def test_disposal_of_one_frame_is_not_that_of_the_next(gif):
    frames = [gif.Frame(((0, 0),), disposal=2), gif.Frame(((1,),), disposal=0), gif.Frame(((2,),), left=1)]
    assert rows(canvases(gif.write(frames, (2, 1), PALETTE))[2]) == [[G, B]]


def test_transparent_pixels_show_what_is_below(gif):
    frames = [gif.Frame(((0, 3),), transparent=3), gif.Frame(((1, 2),), transparent=1)]
    shown = canvases(gif.write(frames, (2, 1), PALETTE), background=PINK)
    assert [rows(c) for c in shown] == [[[R, PINK]], [[R, B]]]


def test_a_transparent_index_holds_for_its_frame_only(gif):
    frames = [gif.Frame(((0, 3),), transparent=3), gif.Frame(((3, 0),)), gif.Frame(((0, 3),), transparent=0)]
    assert [rows(c) for c in canvases(gif.write(frames, (2, 1), PALETTE))] == [[[R, W]], [[K, R]], [[K, K]]]


def test_pixels_that_no_frame_paints_are_the_background(gif):
    data = gif.write([gif.Frame(((1,),), left=1, top=1)], (3, 2), PALETTE)
    assert rows(canvases(data, background=PINK)[0]) == [[PINK, PINK, PINK], [PINK, G, PINK]]


def test_local_palettes_hold_for_their_frame_only(gif):
    frames = [gif.Frame(((0,),)), gif.Frame(((0,),), palette=(PINK, K)), gif.Frame(((0,),))]
    assert [rows(c) for c in canvases(gif.write(frames, (1, 1), PALETTE))] == [[[R]], [[PINK]], [[R]]]


def test_without_any_palette_indices_are_greys(gif):
    data = gif.write([gif.Frame(((0, 7, 200),))], (3, 1))
    assert rows(canvases(data)[0]) == [[(0, 0, 0), (7, 7, 7), (200, 200, 200)]]


def test_an_index_past_the_palette_paints_nothing(gif):
    short = gif.Frame(((0, 3),), palette=(R, G))
    assert rows(canvases(gif.write([short], (2, 1), PALETTE), background=PINK)[0]) == [[R, PINK]]
    assert rows(canvases(gif.write([gif.Frame(((2, 2),)), short], (2, 1), PALETTE))[1]) == [[R, B]]


def test_interlaced_rows_come_in_order_of_display(gif):
    column = tuple((i % 4,) for i in range(11))
    shown = canvases(gif.write([gif.Frame(column, interlaced=True)], (1, 11), PALETTE))
    assert rows(shown[0]) == [[PALETTE[i % 4]] for i in range(11)]


def test_the_first_frame_grows_the_canvas_and_later_ones_are_clipped(gif):
    frames = [gif.Frame(((0, 0, 0),)), gif.Frame(((1, 1, 1),), left=2), gif.Frame(((2,),), left=9, top=9)]
    assert [rows(c) for c in canvases(gif.write(frames, (1, 1), PALETTE))] == [[[R, R, R]], [[R, R, G]], [[R, R, G]]]


def only_the_first_row_of_frame(gif, data, rows_written, code_size=2):
    """The file with this frame's pixel data ending after its first row; its blocks are whole all the same."""
    whole = gif.lzw([index for row in rows_written for index in row], code_size)
    short = gif.lzw(rows_written[0], code_size)
    assert data.count(bytes([len(whole)]) + whole) == 1
    return data.replace(bytes([len(whole)]) + whole, bytes([len(short)]) + short)


def damaged_canvases(data, indices):
    header = read_header(data)
    return [
        (canvas.frame_index, rows(canvas.pixels[..., :3]), canvas.damaged)
        for canvas in composite_frames(data, header, indices, PINK)
    ]


def test_a_full_frame_whose_data_ends_early_leaves_what_lies_under_it(gif):
    second = ((1, 1), (1, 2))
    frames = [gif.Frame(((0, 0), (0, 0))), gif.Frame(second), gif.Frame(((2,),), left=1, top=1)]
    data = only_the_first_row_of_frame(gif, gif.write(frames, (2, 2), PALETTE), second)
    expected = [(0, [[R, R], [R, R]], False), (1, [[G, G], [R, R]], True), (2, [[G, G], [R, B]], True)]
    for indices in ([0, 1, 2], [1, 2], [2], [0, 2], [1]):
        assert damaged_canvases(data, indices) == [expected[index] for index in indices]


def test_a_file_of_frames_that_all_end_early_is_decoded_at_most_twice(gif, monkeypatch):
    frame = ((1, 1), (1, 2))
    data = gif.write([gif.Frame(((0, 0), (0, 0))), *[gif.Frame(frame)] * 40], (2, 2), PALETTE)
    whole, short = gif.lzw([1, 1, 1, 2], 2), gif.lzw([1, 1], 2)
    data = data.replace(bytes([len(whole)]) + whole, bytes([len(short)]) + short)
    decoded = []
    decode = gif_canvas.decode_indices
    monkeypatch.setattr(gif_canvas, "decode_indices", lambda *given: decoded.append(1) or decode(*given))
    shown = damaged_canvases(data, range(5, 41, 5))
    assert shown == [(index, [[G, G], [R, R]], True) for index in range(5, 41, 5)]
    assert len(decoded) <= 2 * 41


def cut_interlaced(gif, num_rows, height=11):
    """Of a column of rows 0, 1, 2, ..., interlaced, only so many stored rows are there; under it all is B."""
    column = tuple((i + 3,) for i in range(height))
    data = gif.write([gif.Frame(((2,),) * height), gif.Frame(column, interlaced=True)], (1, height))
    order = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)]
    whole, short = (gif.lzw([column[y][0] for y in rows], 4) for rows in (order, order[:num_rows]))
    assert data.count(bytes([len(whole)]) + whole) == 1
    return data.replace(bytes([len(whole)]) + whole, bytes([len(short)]) + short)


@pytest.mark.parametrize(
    ("num_rows", "shown"),
    [
        (1, [0] * 8 + [None] * 3),
        (2, [0] * 8 + [8] * 3),
        (3, [0] * 4 + [4] * 4 + [8] * 3),
        (5, [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 8]),
        (7, [0, 1, 2, 2, 4, 4, 6, 6, 8, 8, 10]),
        (11, list(range(11))),
    ],
)
def test_rows_of_a_cut_interlaced_frame_stand_for_those_that_were_to_come(gif, num_rows, shown):
    data = cut_interlaced(gif, num_rows)
    (canvas,) = composite_frames(data, read_header(data), [1], PINK)
    assert canvas.pixels[:, 0, 0].tolist() == [2 if y is None else y + 3 for y in shown]
    assert canvas.damaged == (num_rows < 11)


def test_a_frame_that_hangs_over_the_canvas_is_read_only_as_far_as_it_shows(gif):
    first, long = ((0, 0), (0, 0)), ((1, 1, 1), (2, 2, 2), (3, 3, 3), (1, 1, 1))
    data = gif.write([gif.Frame(first), gif.Frame(long, left=1)], (2, 2), PALETTE)
    whole, short = (gif.lzw([index for row in rows for index in row], 2) for rows in (long, long[:2]))
    data = data.replace(bytes([len(whole)]) + whole, bytes([len(short)]) + short)
    assert damaged_canvases(data, [1]) == [(1, [[R, G], [R, B]], False)]


COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
PALETTES = st.lists(COLOURS, min_size=8, max_size=8).map(tuple)


WELL_BEHAVED = {
    # disposals of the first frame, of later ones, and whether frames have transparent pixels
    "transparent": ([1, 2], [1, 2, 3], True),
    "kept": ([0], [0], True),
    "kept, then disposed of": ([0], [1, 2, 3], True),
    "opaque, kept": ([0], [0], False),
    "opaque": ([0, 1], [1, 3], False),
}


def build_frame(gif, draw, size, first, well_behaved=None):
    if well_behaved and first:
        left, top, (width, height) = 0, 0, size
    else:
        left, top = draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))
        beyond = 0 if well_behaved else 2
        width = draw(st.integers(1, size[0] - left + beyond))
        height = draw(st.integers(1, size[1] - top + beyond))
        if draw(st.booleans()):
            left, top, (width, height) = 0, 0, size
    values = draw(st.lists(st.integers(0, 7), min_size=width * height, max_size=width * height))
    disposals, transparent = [0, 1, 2, 3, 4], st.none() | st.integers(0, 7)
    if well_behaved:
        at_first, later, is_transparent = WELL_BEHAVED[well_behaved]
        disposals, transparent = at_first if first else later, st.integers(0, 7) if is_transparent else st.none()
    return gif.Frame(
        tuple(tuple(values[y * width : (y + 1) * width]) for y in range(height)),
        left,
        top,
        disposal=draw(st.sampled_from(disposals)),
        transparent=draw(transparent),
        palette=draw(st.none() | PALETTES),
        interlaced=draw(st.booleans()),
    )


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_sampled_frames_of_any_gif_are_what_the_oracle_shows(gif, data):
    size = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 12)))
    palette = data.draw(PALETTES)
    num_frames = data.draw(st.integers(1, 7))
    frames = [build_frame(gif, data.draw, size, first=i == 0) for i in range(num_frames)]
    indices = sorted(data.draw(st.sets(st.integers(0, num_frames - 1), min_size=1)))
    expected = gif.expected(frames, size, palette, PINK)
    shown = canvases(gif.write(frames, size, palette), indices, PINK)
    for index, canvas in zip(indices, shown, strict=True):
        np.testing.assert_array_equal(canvas, expected[index], err_msg=f"frame {index}")


@pytest.mark.parametrize("kind", WELL_BEHAVED)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_well_behaved_gifs_are_what_pillow_shows(gif, kind, data):
    """Elsewhere Pillow departs from browsers: disposal 0 after another, unpainted pixels, frames past the canvas."""
    size = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 12)))
    frames = [build_frame(gif, data.draw, size, i == 0, well_behaved=kind) for i in range(data.draw(st.integers(1, 6)))]
    written = gif.write(frames, size, data.draw(PALETTES))
    for index, canvas in enumerate(canvases(written, background=PINK)):
        np.testing.assert_array_equal(canvas, pillow_canvas(written, index, PINK), err_msg=f"frame {index}")


def pillow_canvas(data, index, background):
    image = Image.open(io.BytesIO(data))
    image.seek(index)
    frame = image.convert("RGBA")
    under = Image.new("RGBA", frame.size, (*background, 255))
    under.alpha_composite(frame)
    return np.asarray(under)[..., :3]


@pytest.mark.parametrize("num_frames", [3, 16])
def test_real_gifs_are_what_pillow_shows(real_gifs, num_frames):
    for path in real_gifs[num_frames::40]:
        data = path.read_bytes()
        indices = sample_indices(read_header(data).delays_ms, num_frames, "index")
        for index, canvas in zip(indices, canvases(data, indices, PINK), strict=True):
            np.testing.assert_array_equal(canvas, pillow_canvas(data, index, PINK), err_msg=f"{path.name} {index}")
