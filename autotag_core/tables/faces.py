"""Tables of people's faces: who is enrolled, and who is seen in the catalog."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import Table, column

_FLOATS = pa.list_(pa.float32())

FACES = Table(
    "faces",
    "a face that was followed over frames of a GIF",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("face", pa.int32(), "key, number in the GIF, from 0; those in the most frames first"),
            column("person", pa.int32(), "whose face it is, as in people; null where that is not known any more"),
            column("frames", pa.list_(pa.int32()), "numbers of the file's frames that show it, ascending"),
            column("boxes", _FLOATS, "left, top, right, bottom for each frame, pixels of the file"),
            column("landmarks", _FLOATS, "x, y of eyes, nose and corners of the mouth for each frame, pixels"),
            column("scores", _FLOATS, "for each frame how sure the detector is, 0 to 1"),
            column("sharpness", _FLOATS, "for each frame the variance of the face's Laplacian: low is blurred"),
            column(
                "embeddings",
                _FLOATS,
                "128 numbers, or 256, for each of its best faces; null where they are not kept",
            ),
            column("model_version", pa.string(), "names the networks that found and embedded it"),
            column("version", pa.string(), "of the GIF, sha256 of the bytes, first 32 hex digits"),
        ]
    ),
    ("gif_id", "face"),
)

PEOPLE = Table(
    "people",
    "a person who is seen in a GIF, known or not",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("person", pa.int32(), "key, number in the GIF, from 0; those in the most frames first"),
            column("person_id", pa.string(), "of the gallery; null for somebody unknown"),
            column("name", pa.string(), "what the person is called; null for somebody unknown"),
            column(
                "probability", pa.float32(), "that it is the nearest person of the gallery; null where that is empty"
            ),
            column("known", pa.bool_(), "the name is more likely right than wrong"),
            column("num_frames", pa.int32(), "frames, of those that were searched, that show the person"),
            column("best_frame", pa.int32(), "number of the file's frame that shows them best"),
            column("box", _FLOATS, "of the face in it: left, top, right, bottom, pixels of the file"),
            column("gallery_version", pa.string(), "names the gallery's people and pictures"),
            column("version", pa.string(), "of the GIF, sha256 of the bytes, first 32 hex digits"),
        ]
    ),
    ("gif_id", "person"),
)

GALLERY = Table(
    "gallery",
    "an enrolled picture of a person; a table of its own, which `autotag faces enroll` writes and no nightly run",
    pa.schema(
        [
            column("person_id", pa.string(), "key, who is shown"),
            column("picture", pa.string(), "key, sha256 of the file's bytes, first 32 hex digits"),
            column("name", pa.string(), "what the person is called"),
            column("file", pa.string(), "where the picture was read, without its folder"),
            column("embedding", pa.list_(pa.float32()), "of the face"),
            column("sharpness", pa.float32(), "variance of the Laplacian of the face in grey levels: low is blurred"),
            column("model_version", pa.string(), "names the networks that made the embedding"),
            column("enrolled", pa.timestamp("us", tz="UTC"), "when it was enrolled"),
        ]
    ),
    ("person_id", "picture"),
)

GALLERY_THUMBNAILS = Table(
    "gallery_thumbnails",
    "the face of an enrolled picture, for people to see; beside the gallery, which is compared without it",
    pa.schema(
        [
            column("person_id", pa.string(), "key, who is shown"),
            column("picture", pa.string(), "key, as in gallery"),
            column("thumbnail", pa.binary(), "the face, upright, a JPEG of 48 x 48 pixels"),
        ]
    ),
    ("person_id", "picture"),
)
