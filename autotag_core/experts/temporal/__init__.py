"""The `temporal` expert: what happens in a GIF's frames. Loading this needs no torch; computing does."""

from autotag_core.experts.temporal.features import pack_features, unpack_features
from autotag_core.experts.temporal.heads import HeadRecord, RelationHead, load_head, save_head

__all__ = ["HeadRecord", "RelationHead", "load_head", "pack_features", "save_head", "unpack_features"]
