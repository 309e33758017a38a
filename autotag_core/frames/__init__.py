"""From a URI to sampled frames: fetch, header, limits, sampling, compositing, resize."""

from autotag_core.frames.canvases import Canvas, composite_frames
from autotag_core.frames.decode import DecodedFrames, decode_frames
from autotag_core.frames.fetch import fetch_bytes
from autotag_core.frames.hashes import FrameHashes, hash_frames
from autotag_core.frames.header import Header, read_header
from autotag_core.frames.limits import check_header, check_num_bytes, check_pixels
from autotag_core.frames.load import LoadedGif, MediaInfo, Readers, Spent, load_frames, read_frames
from autotag_core.frames.loader import iter_loaded
from autotag_core.frames.resize import fit_frame
from autotag_core.frames.sampling import sample_indices
from autotag_core.frames.version import frames_version

__all__ = [
    "Canvas",
    "DecodedFrames",
    "FrameHashes",
    "Header",
    "LoadedGif",
    "MediaInfo",
    "Readers",
    "Spent",
    "check_header",
    "check_num_bytes",
    "check_pixels",
    "composite_frames",
    "decode_frames",
    "fetch_bytes",
    "fit_frame",
    "frames_version",
    "hash_frames",
    "iter_loaded",
    "load_frames",
    "read_frames",
    "read_header",
    "sample_indices",
]
