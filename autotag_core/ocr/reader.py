"""OCR of a GIF's frames: rapidocr's detector and recogniser, on GIFs that likely hold words.

Most GIFs of a catalog hold no words, so the time spent on those decides the cost. A small network says for each kept
frame how likely words are in it, and where (likelihood.py). Of a likely frame OCR reads that part. Only if there
are words, it reads this frame and all the others.
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

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.ocr.likelihood import Likely, judge, load_network, network_version
from autotag_core.ocr.lines import ReadLine, ReadText, letters_of, merge_lines
from autotag_core.ocr.pictures import Pixels, shrunk

if TYPE_CHECKING:
    from rapidocr import RapidOCR

_UNSURE = 0.5
"""Confidence from which a line of one frame is kept as a candidate: the surest of several frames' readings counts."""
_MIN_SIDE = 8
"""Pixels. Nothing can be read in a flatter frame, and OCR would scale it up to any length."""
_LOOK_SHARE = 0.5
"""Share of a frame. A larger part costs nearly as much as the frame itself, which is read after it."""
_RECOGNISER_WIDTH = 192
"""Pixels that a line of height 48 is padded to. The packaged 320 costs a third more, and words in GIFs are short."""


class TextReader:
    """Reads what is written in a GIF, from at most max_frames of its canvases. Many threads may share one."""

    def __init__(self, config: TextConfig, ocr: RapidOCR) -> None:
        self.max_frames = config.max_frames
        self._config, self._ocr = config, ocr
        self._network = load_network() if config.read == "likely" else None
        self._unsure = min(_UNSURE, config.min_confidence)
        # RapidOCR keeps a call's switches and the size of its input in the object
        self._lock = threading.Lock()

    def keep(self, canvas: Pixels) -> Pixels:
        """A copy of a canvas (height, width, 4) as it is read: (h, w, 3) blue, green, red; h and w at most max_side."""
        import cv2

        pixels = shrunk(np.ascontiguousarray(canvas), self._config.max_side)
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR), np.uint8)

    def read(self, kept: Sequence[Pixels]) -> ReadText:
        """What is written in the kept frames of one GIF, in order of time. Exceptions of the OCR are not caught."""
        frames = [frame for frame in kept if min(frame.shape[:2]) >= _MIN_SIDE]
        keys = [frame.tobytes() for frame in frames]
        pictures = dict(zip(keys, frames, strict=True))  # equal frames are one
        likely = self._likely(pictures)
        if pictures and not likely:
            return ReadText(is_skipped=True)
        lines: dict[bytes, list[ReadLine]] = {}
        for key, region in likely.items():
            if self._sees_words(pictures[key], region):
                lines[key] = self.read_frame(pictures[key])
                if lines[key]:
                    break
        if not any(lines.values()):
            return ReadText()
        for key, frame in pictures.items():
            if key not in lines:
                lines[key] = self.read_frame(frame)
        merged = merge_lines([lines[key] for key in keys])
        return ReadText(tuple(line for line in merged if line.confidence >= self._config.min_confidence))

    def _likely(self, pictures: dict[bytes, Pixels]) -> dict[bytes, Likely | None]:
        """The pictures that likely have words, likeliest first, and where. None: nobody asked where."""
        if self._network is None:
            return dict.fromkeys(pictures)
        judged = {key: judge(picture, self._network) for key, picture in pictures.items()}
        best = sorted(judged, key=lambda key: -judged[key].score)
        return {key: judged[key] for key in best if judged[key].score >= self._network.threshold}

    def _sees_words(self, frame: Pixels, region: Likely | None) -> bool:
        """Whether OCR reads words where they are likely. True without a look if that is sure, or most of it."""
        if region is None or self._network is None or region.score >= self._network.sure:
            return True
        part = frame[region.top : region.bottom, region.left : region.right]
        if part.size > _LOOK_SHARE * frame.size or min(part.shape[:2]) < _MIN_SIDE:
            return True
        return bool(self.read_frame(np.ascontiguousarray(part)))

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
    settings = config.values("read", "max_frames", "max_side", "min_confidence", "min_letters")
    if config.read == "likely":
        settings["likelihood"] = network_version()
    return f"rapidocr{version}-{hashlib.sha256(json.dumps(settings, separators=(',', ':')).encode()).hexdigest()[:6]}"
