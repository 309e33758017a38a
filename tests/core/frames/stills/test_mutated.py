"""Whatever is changed in a file, it gives frames or an ItemError."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import read_frames

CONFIG = FramesConfig(size=32).model_copy(update={"max_canvas_pixels": 1_000_000})
EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 9)), min_size=1, max_size=4)
KINDS = {
    "PNG": ("RGB", {}),
    "PNG of a palette": ("P", {"transparency": 3}),
    "PNG that moves": ("RGBA", {"save_all": True}),
    "JPEG": ("RGB", {}),
    "JPEG of many scans": ("RGB", {"progressive": True}),
    "JPEG with restarts": ("RGB", {"restart_marker_blocks": 3}),
    "WEBP": ("RGBA", {}),
    "WEBP without loss": ("RGB", {"lossless": True}),
    "WEBP that moves": ("RGBA", {"save_all": True}),
}


@pytest.fixture(scope="module")
def files(stills):
    """A small file of each kind."""
    found = {}
    for kind, (mode, options) in KINDS.items():
        pictures = [Image.fromarray(stills.photo(24, 30, seed)).convert(mode) for seed in range(3)]
        if mode == "RGBA":
            for picture in pictures:
                picture.putalpha(Image.fromarray(np.arange(720, dtype=np.uint16).reshape(24, 30).astype(np.uint8)))
        more = {"append_images": pictures[1:]} if "save_all" in options else {}
        found[kind] = stills.saved(pictures[0], kind.split()[0], **options, **more)
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(EDITS)
def test_mutated_files_give_frames_or_an_item_error(files, kind, edits):
    data = files[kind]
    for place, inserted, removed in edits:
        position = 4 + int(place * (len(data) - 4))
        data = data[:position] + inserted + data[position + removed :]
    try:
        loaded = read_frames(data, CONFIG)
    except ItemError as error:
        assert error.reason in (Reason.UNDECODABLE, Reason.TOO_MANY_PIXELS, Reason.NOT_AN_IMAGE)
        return
    assert 1 <= len(loaded.frames) <= 3
    assert 1 <= len(loaded.media.frame_hashes) <= len(loaded.frames)
