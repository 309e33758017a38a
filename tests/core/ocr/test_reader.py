"""OCR of drawn pictures: what is read, what is not looked at, and what a failure costs."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from autotag_core.config import FramesConfig, TextConfig
from autotag_core.errors import InputError
from autotag_core.frames import Readers, iter_loaded, read_frames
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr import ReadText, TextLine, TextReader, load_reader, reader_version

FRAMES = FramesConfig(size=32)


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return load_reader(TextConfig())


def picture(words: str | None, side: int = 150, shade: int = 200) -> Image.Image:
    """A disc on grey, and words below it as large as a caption."""
    image = Image.new("RGB", (side, side), (shade, shade, 220))
    draw = ImageDraw.Draw(image)
    draw.ellipse((side * 0.3, side * 0.1, side * 0.7, side * 0.5), "orange")
    if words:
        font = ImageFont.load_default(side // 7)
        draw.text((side // 2, side * 3 // 4), words, "white", font, "mm", stroke_width=2, stroke_fill="black")
    return image


def gif_of(*pictures: Image.Image) -> bytes:
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=100, disposal=1)
    return file.getvalue()


def kept(reader: TextReader, *pictures: Image.Image) -> list[Pixels]:
    return [reader.keep(np.asarray(image.convert("RGBA"))) for image in pictures]


def test_words_that_show_in_some_frames_only_are_read(reader: TextReader) -> None:
    pictures = [picture("see you" if i >= 6 else None, shade=180 + i) for i in range(8)]
    media = read_frames(gif_of(*pictures), FRAMES, Readers(reader)).media
    assert media.text is not None and media.text_lines is not None
    assert media.text.lower().replace(" ", "") == "seeyou"
    assert [line.num_frames for line in media.text_lines] == [1]
    assert media.text_lines[0].confidence > 0.8
    assert media.notes == ()


def test_a_gif_that_looks_as_if_no_words_were_in_it_is_not_read_and_says_so(reader: TextReader) -> None:
    sides: list[int] = []
    gif = gif_of(picture(None), picture(None, shade=190))
    media = read_frames(gif, FRAMES, Readers(watching(reader, sides))).media
    assert (media.text, media.text_lines) == (None, None)
    assert media.notes == ("text_skipped",)
    assert sides == []


def test_all_reads_every_frame_of_every_gif(reader: TextReader) -> None:
    sides: list[int] = []
    gif = gif_of(picture(None), picture(None, shade=190))
    everything = watching(reader, sides, TextConfig(read="all"))
    media = read_frames(gif, FRAMES, Readers(everything)).media
    assert (media.text, media.text_lines, media.notes) == (None, (), ())
    assert sides == [150, 150]


def test_emoji_are_skipped(reader: TextReader, shared_data: Path) -> None:
    emoji = sorted((shared_data / "noto_emoji" / "gifs").glob("*.gif"))[:40]
    if not emoji:
        pytest.skip("no emoji among the real GIFs")
    notes = [read_frames(path.read_bytes(), FRAMES, Readers(reader)).media.notes for path in emoji]
    assert sum("text_skipped" in note for note in notes) >= 0.6 * len(emoji)


def test_without_a_reader_nothing_is_kept_or_read() -> None:
    media = read_frames(gif_of(picture("hello")), FRAMES).media
    assert (media.text, media.text_lines) == (None, None)


def test_a_large_gif_with_words_is_read_and_one_without_is_not(reader: TextReader) -> None:
    sides: list[int] = []
    watched = watching(reader, sides)
    assert (watched.read(kept(reader, picture("good luck", 480))).text or "").replace(" ", "") == "goodluck"
    assert max(sides) == 480
    sides.clear()
    assert watched.read(kept(reader, picture(None, 480), picture(None, 480))) == ReadText(is_skipped=True)
    assert sides == []


def test_where_one_frame_has_words_the_unlikely_ones_are_read_too(reader: TextReader) -> None:
    sides: list[int] = []
    read = watching(reader, sides).read(kept(reader, picture(None, 150), picture("hello", 150)))
    assert [(line.text.lower(), line.num_frames) for line in read.lines] == [("hello", 1)]
    assert len(sides) == 2


def watching(reader: TextReader, sides: list[int], config: TextConfig | None = None) -> TextReader:
    """The same OCR, noting the longer side of each picture that it searches for lines."""

    def ocr(image, use_det, use_cls, use_rec):
        if use_det:
            sides.append(max(image.shape[:2]))
        return reader._ocr(image, use_det=use_det, use_cls=use_cls, use_rec=use_rec)

    return TextReader(config or TextConfig(), ocr)  # type: ignore[arg-type]


def test_equal_frames_are_read_once_and_count_all_the_same(reader: TextReader) -> None:
    sides: list[int] = []
    read = watching(reader, sides).read(kept(reader, picture("hello"), picture("hello"), picture("hello")))
    assert [line.num_frames for line in read.lines] == [3]
    assert len(sides) == 1


def test_a_single_letter_and_an_unsure_line_are_no_text(reader: TextReader) -> None:
    assert not reader.read(kept(reader, picture("O"))).lines
    assert reader.read(kept(reader, picture("hello"))).lines
    sure = TextReader(TextConfig().model_copy(update={"min_confidence": 1.0}), reader._ocr)
    assert sure.read(kept(reader, picture("hello"))) == ReadText()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 60_000), (60_000, 1), (9, 480), (2000, 30)])
def test_a_canvas_of_any_shape_is_read(reader: TextReader, size: tuple[int, int]) -> None:
    frame = reader.keep(np.full((*size, 4), 255, np.uint8))
    assert max(frame.shape[:2]) <= 480
    assert not reader.read([frame]).lines
    assert reader.read([]) == ReadText()


def test_kept_frames_are_copies_spread_over_the_gif(reader: TextReader) -> None:
    class Shades:
        max_frames = 2

        def keep(self, canvas: Pixels) -> Pixels:
            return canvas.copy()

        def read(self, kept: Sequence[Pixels]) -> ReadText:
            return ReadText(tuple(TextLine(str(frame[0, 0, 0]), 1, 1) for frame in kept))

    media = read_frames(gif_of(*(picture(None, 40, 100 + 10 * i) for i in range(8))), FRAMES, Readers(Shades())).media
    assert media.text == "120\n160"


def test_ocr_that_fails_leaves_a_note_and_the_gif(tmp_path: Path, reader: TextReader) -> None:
    class Broken:
        max_frames = 1
        keep = reader.keep

        def read(self, kept: Sequence[Pixels]) -> ReadText:
            raise RuntimeError("no such tensor")

    (tmp_path / "a.gif").write_bytes(gif_of(picture("hello")))
    ((_, loaded),) = iter_loaded([("a", str(tmp_path / "a.gif"))], FRAMES, Readers(Broken()))
    assert (loaded.media.text, loaded.media.text_lines) == (None, None)
    assert loaded.media.notes == ("single_frame", "text_unread")
    assert len(loaded.frames) == 1


def test_many_threads_read_the_same_as_one(reader: TextReader) -> None:
    words = ["hello", None, "good luck", "congrats", None, "thank you", "sorry", "welcome"]
    frames = [kept(reader, picture(text, 150 if i % 2 else 300)) for i, text in enumerate(words)]
    alone = [reader.read(frame) for frame in frames]
    assert [read.text is not None for read in alone] == [text is not None for text in words]
    barrier = threading.Barrier(len(frames))

    def together(frame: list[Pixels]) -> ReadText:
        barrier.wait()
        return reader.read(frame)

    with ThreadPoolExecutor(len(frames)) as pool:
        assert list(pool.map(together, frames)) == alone


def test_the_version_names_the_ocr_and_changes_with_what_it_reads() -> None:
    version = reader_version(TextConfig())
    assert version.startswith("rapidocr3.")
    assert reader_version(TextConfig(language_model="gpt2")) == version
    assert reader_version(TextConfig().model_copy(update={"max_side": 320})) != version


def test_models_that_are_missing_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import rapidocr.main

    def gone(*_: object) -> None:
        raise FileNotFoundError("PP-OCRv6_det_small.onnx\ndoes not exist")

    monkeypatch.setattr(rapidocr.main, "TextDetector", gone)
    with pytest.raises(InputError, match=r"text: rapidocr can't load its models \(does not exist\)"):
        load_reader(TextConfig(max_frames=5))  # one that no test has loaded
