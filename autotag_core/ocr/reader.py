"""OCR of a GIF's frames: a cheap first look, then rapidocr's detector and recogniser on a few frames.

Nearly all GIFs of a catalog hold no words, so the time spent on those decides the cost. The first look takes the kept
frame with the most strong edges, since words add edges to a scene (0.3 ms). If that frame is large, the detector alone
looks at a small copy of it. Only if the detector finds something is the frame read, and only if words were read in it
are the other frames read.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.ocr.lines import ReadLine, ReadText, letters_of, merge_lines

if TYPE_CHECKING:
    from rapidocr import RapidOCR

Pixels = NDArray[np.uint8]

_UNSURE = 0.5
"""Confidence from which a line of one frame is kept as a candidate: the surest of several frames' readings counts."""
_MIN_SIDE = 8
"""Pixels. Nothing can be read in a flatter frame, and OCR would scale it up to any length."""
_MAX_LOOKED_AT = 4
"""Boxes, the largest first. These are enough to know whether there are words; a busy scene has dozens."""
_MARGIN = 0.1
"""Share of a box's shorter side: in the small copy its rim is a pixel off."""
_STRONG_EDGE = 100
"""Levels of 255 between neighboring pixels: the rim of letters that are meant to be read."""
_RECOGNISER_WIDTH = 192
"""Pixels that a line of height 48 is padded to. The packaged 320 costs a third more, and words in GIFs are short."""


class TextReader:
    """Reads what is written in a GIF, from at most max_frames of its canvases. Many threads may share one."""

    def __init__(self, config: TextConfig, ocr: RapidOCR) -> None:
        self.max_frames = config.max_frames
        self._config, self._ocr = config, ocr
        self._unsure = min(_UNSURE, config.min_confidence)
        # RapidOCR keeps a call's switches and the size of its input in the object
        self._lock = threading.Lock()

    def keep(self, canvas: Pixels) -> Pixels:
        """A copy of a canvas (height, width, 4) as it is read: (h, w, 3) blue, green, red; h and w at most max_side."""
        import cv2

        pixels = _shrunk(np.ascontiguousarray(canvas), self._config.max_side)
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR), np.uint8)

    def read(self, kept: Sequence[Pixels]) -> ReadText:
        """What is written in the kept frames of one GIF, in order of time. Exceptions of the OCR are not caught."""
        frames = [frame for frame in kept if min(frame.shape[:2]) >= _MIN_SIDE]
        if not frames:
            return ReadText()
        first = max(range(len(frames)), key=lambda index: _num_strong_edges(frames[index]))
        if not self._look(frames[first]):
            return ReadText()
        lines = {frames[first].tobytes(): self.read_frame(frames[first])}
        if not any(lines.values()):
            return ReadText()
        for frame in frames:
            if frame.tobytes() not in lines:
                lines[frame.tobytes()] = self.read_frame(frame)
        merged = merge_lines([lines[frame.tobytes()] for frame in frames])
        return ReadText(tuple(line for line in merged if line.confidence >= self._config.min_confidence))

    def _look(self, frame: Pixels) -> bool:
        """Whether the frame likely has words: the detector sees some in a small copy, and the recogniser reads one.

        True without a look where the frame itself is small: finding its lines costs as much as looking.
        """
        side = self._config.first_look_side
        if side == 0 or max(frame.shape[:2]) <= side:
            return True
        small = _shrunk(frame, side)
        if min(small.shape[:2]) < _MIN_SIDE:
            return True
        boxes = getattr(self._run_ocr(small, use_det=True, use_rec=False), "boxes", None)
        if boxes is None:
            return False
        scale = frame.shape[1] / small.shape[1]
        crops = sorted((_crop(frame, scale * box) for box in boxes), key=lambda crop: -crop.size)[:_MAX_LOOKED_AT]
        return any(self._lines(crop, use_det=False) for crop in crops)

    def read_frame(self, frame: Pixels) -> list[ReadLine]:
        """The lines of one kept frame in reading order. Unsure ones are included: another frame may make them sure."""
        return self._lines(frame, use_det=True)

    def _lines(self, frame: Pixels, use_det: bool) -> list[ReadLine]:
        found = self._run_ocr(frame, use_det=use_det, use_rec=True)
        texts = getattr(found, "txts", None)
        if texts is None:
            return []
        return [
            ReadLine(" ".join(text.split()), float(score))
            for text, score in zip(texts, found.scores, strict=True)
            if score >= self._unsure and len(letters_of(text)) >= self._config.min_letters
        ]

    def _run_ocr(self, frame: Pixels, use_det: bool, use_rec: bool) -> Any:
        with self._lock:
            return self._ocr(frame, use_det=use_det, use_cls=False, use_rec=use_rec)


def _shrunk(pixels: Pixels, max_side: int) -> Pixels:
    """The picture with its longer side at most max_side, averaged over areas; unchanged where it is small enough."""
    import cv2

    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer <= max_side:
        return pixels
    size = max(1, width * max_side // longer), max(1, height * max_side // longer)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _crop(frame: Pixels, corners: NDArray[np.floating]) -> Pixels:
    """The upright rectangle around the corners (4, 2), with a margin. Tall ones are turned on their side, as in OCR."""
    margin = _MARGIN * min(np.ptp(corners, axis=0))
    left, top = np.maximum(corners.min(axis=0) - margin, 0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) + margin).astype(int)
    crop = frame[top : bottom + 1, left : right + 1]
    return np.ascontiguousarray(np.rot90(crop) if crop.shape[0] >= 1.5 * crop.shape[1] else crop)


def _num_strong_edges(frame: Pixels) -> int:
    """Pixels whose 3 x 3 surroundings span more than _STRONG_EDGE of 255 in brightness."""
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    gradient = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return int(np.count_nonzero(gradient > _STRONG_EDGE))


@functools.lru_cache(maxsize=2)
def load_reader(config: TextConfig) -> TextReader:
    """The OCR with its models in memory, once per process (2 s, most of it imports). InputError where it can't load."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise InputError(f"text: {error.name} is not installed; `pip install rapidocr onnxruntime`") from None
    params = {
        "Global.log_level": "error",
        "Global.text_score": 0.0,
        # the default scales small pictures up to 736 pixels: ten times the work, and no more is read
        "Det.limit_type": "max",
        "Det.limit_side_len": config.max_side,
        "Rec.rec_img_shape": [3, 48, _RECOGNISER_WIDTH],
        "EngineConfig.onnxruntime.intra_op_num_threads": config.threads,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    blank = np.full((48, 192, 3), 255, np.uint8)
    try:
        ocr = RapidOCR(params=params)
        ocr(blank, use_det=True, use_cls=False, use_rec=False)
        ocr(blank, use_det=False, use_cls=False, use_rec=True)
    except Exception as error:  # a missing or broken model: rapidocr would fetch it, and raises what it meets
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise InputError(f"text: rapidocr can't load its models ({reason[0][:200]}); install it anew") from None
    return TextReader(config, ocr)


def reader_version(config: TextConfig) -> str:
    """OCR's version and a hash of the settings that change what is read. InputError where OCR is not installed."""
    try:
        version = importlib.metadata.version("rapidocr")
    except importlib.metadata.PackageNotFoundError:
        raise InputError("text: the package rapidocr is not installed; `pip install rapidocr onnxruntime`") from None
    settings = config.values("max_frames", "max_side", "first_look_side", "min_confidence", "min_letters")
    return f"rapidocr{version}-{hashlib.sha256(json.dumps(settings, separators=(',', ':')).encode()).hexdigest()[:6]}"
