"""The closed set of reasons for which an item can end up in the `failures` table."""

from enum import StrEnum


class Stage(StrEnum):
    """The stage in which an item failed."""

    CATALOG = "catalog"
    FRAMES = "frames"
    EMBEDDINGS = "embeddings"
    SEARCH_DOCUMENTS = "search_documents"


class Reason(StrEnum):
    """Why an item failed. Adding a reason means adding a test with a real broken item."""

    # catalog
    UNREADABLE_ROW = "unreadable_row"  # not a JSON object
    MISSING_GIF_ID = "missing_gif_id"
    DUPLICATE_GIF_ID = "duplicate_gif_id"
    MISSING_URI = "missing_uri"
    INVALID_TAGS = "invalid_tags"  # tags or editorial_tags are not a list of strings
    # catalog: credentials in it, or a place that is not allowed; frames: a scheme that is not s3, s3a, file or a local
    # path, or a link that leads out of the allowed places
    UNSUPPORTED_URI = "unsupported_uri"
    # frames: fetch
    NOT_FOUND = "not_found"
    ACCESS_DENIED = "access_denied"
    FETCH_FAILED = "fetch_failed"  # still failing after the configured number of attempts
    # frames: header
    EMPTY_FILE = "empty_file"
    FILE_TOO_LARGE = "file_too_large"
    NOT_AN_IMAGE = "not_an_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_FEW_FRAMES = "too_few_frames"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    # frames: decode
    UNDECODABLE = "undecodable"  # a header, but not one whole frame
    MISSING_PACKAGE = "missing_package"  # a video, and PyAV is not installed
    # frames: what a process of its own did not survive, or not in time
    KILLED_WORKER = "killed_worker"
    TIMED_OUT = "timed_out"
    # embeddings
    OUT_OF_MEMORY = "out_of_memory"  # even a batch of one does not fit the device
    # search documents
    REFUSED_DOCUMENT = "refused_document"  # Elasticsearch refused this document and would refuse it again


class ItemError(Exception):
    """One item that could not be done. Core functions raise it; it is kept as a row of `failures`."""

    def __init__(self, stage: Stage, reason: Reason, message: str) -> None:
        super().__init__(stage, reason, message)
        self.stage, self.reason, self.message = stage, reason, message

    def __str__(self) -> str:
        return f"{self.stage}: {self.reason}: {self.message}"
