"""What the service answers: data, pagination and meta, as GIPHY's public API has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel


class Picture(BaseModel):
    """Where a file is."""

    url: str


class Pictures(BaseModel):
    """The files of a GIF."""

    original: Picture


class Gif(BaseModel):
    """A GIF."""

    type: str = "gif"
    id: str
    slug: str
    """Words for an address, ending with the id."""
    url: str
    title: str
    tags: list[str]
    """Heaviest first."""
    images: Pictures


class Tag(BaseModel):
    """A tag that is related to another one."""

    type: str = "tag"
    name: str
    count: int
    """GIFs that have both."""


class Pagination(BaseModel):
    """Which part of what was found an answer has."""

    total_count: int
    count: int
    offset: int


class Meta(BaseModel):
    """How it went."""

    status: int
    msg: str
    response_id: str


class Gifs(BaseModel):
    """A page of GIFs."""

    data: list[Gif]
    pagination: Pagination
    meta: Meta


class OneGif(BaseModel):
    """One GIF; an empty list where there is none."""

    data: Gif | list[Gif]
    meta: Meta


class Tags(BaseModel):
    """Related tags."""

    data: list[Tag]
    pagination: Pagination
    meta: Meta


def meta(status: int = 200, message: str = "OK") -> Meta:
    """A meta with an id of its own, by which a log line is found."""
    return Meta(status=status, msg=message, response_id=uuid4().hex)


def gif(document: dict[str, Any], media: str | None) -> Gif:
    """A GIF from its search document. `media` is the address of its file, with {gif_id} in it; else its own URI."""
    gif_id, tags = document["gif_id"], [tag["tag"] for tag in document.get("tags") or ()]
    words = re.findall(r"\w+", " ".join(tags[:3]).lower())
    url = media.replace("{gif_id}", quote(gif_id, safe="")) if media else document.get("uri") or ""
    title = document.get("caption") or ", ".join(tags[:3])
    slug = "-".join([*words, gif_id])
    return Gif(id=gif_id, slug=slug, url=url, title=title, tags=tags, images=Pictures(original=Picture(url=url)))


def page(documents: Sequence[dict[str, Any]], total: int, offset: int, media: str | None) -> Gifs:
    """A page of GIFs."""
    data = [gif(document, media) for document in documents]
    return Gifs(data=data, pagination=Pagination(total_count=total, count=len(data), offset=offset), meta=meta())


def one(document: dict[str, Any] | None, media: str | None) -> OneGif:
    """A GIF, or none."""
    return OneGif(data=[] if document is None else gif(document, media), meta=meta())
