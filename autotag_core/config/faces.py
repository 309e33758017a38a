"""Settings of the people detector: whose faces are in the GIFs."""

from __future__ import annotations

from typing import Literal

from autotag_core.config.section import PositiveCount, Section

Grouping = Literal["tracks", "published"]


class FacesConfig(Section):
    """Faces in the night: the tables faces and people. A face is biometric data: see docs/people.md first."""

    enabled: bool = False
    """Whether the night looks for faces, in the frames that it decodes anyway."""
    gallery: str | None = None
    """The folder of enrolled people (autotag faces enroll). None: everybody is unknown."""
    model: str | None = None
    """The folder of the network that embeds faces (autotag faces train). None: dlib's."""
    max_frames: PositiveCount = 20
    """At most so many of a GIF's sampled frames are searched, spread evenly."""
    grouping: Grouping = "tracks"
    """How faces become persons. `tracks`: groups of alike faces, never two of one frame, named by their nearest person.
    `published`: as celeb-detection-oss did, by a Gaussian mixture that starts at the persons, to compare."""
    keep_unknown: bool = False
    """Whether embeddings of people whom nobody knows are kept. If not, a changed gallery makes the night look again at
    GIFs with unknown people."""
