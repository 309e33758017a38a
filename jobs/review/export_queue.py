"""A release's tags -> the queue that an editor works through, as a page or a sheet."""

from __future__ import annotations

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.reports.gif_thumbnails import read_thumbnails
from autotag_core.review.queue import ReviewQueue, read_queue
from autotag_core.review.queue_sheet import queue_sheet
from autotag_core.review.review_page import review_page

PAGE, SHEET = ".html", ".csv"
_PICTURES_S = 60.0
"""For all pictures of a page: whoever asks for one waits for it."""


def export_queue(warehouse: str, out: str, run_id: str | None, limit: int) -> ReviewQueue:
    """Write the queue to `out`, local or S3: a page for .html, a sheet for .csv. Gives the queue.

    No Spark; cost: read_queue, and for a page the pictures of its GIFs. InputError for another suffix.
    """
    if not out.lower().endswith((PAGE, SHEET)):
        raise InputError(f"{out}: the suffix must be {PAGE} or {SHEET}")
    queue = read_queue(warehouse, run_id, limit)
    run = queue.release.release_of or queue.release.run_id
    if out.lower().endswith(SHEET):
        storage.write_bytes(out, queue_sheet(queue.tags, run), content_type="text/csv; charset=utf-8")
        return queue
    shown = list(dict.fromkeys(one.gif_id for one in queue.tags))
    pictures = read_thumbnails(warehouse, queue.release, shown, most=len(shown), seconds=_PICTURES_S)
    page = "".join(review_page(queue.tags, run, pictures))
    storage.write_bytes(out, page.encode(), content_type="text/html; charset=utf-8")
    return queue
