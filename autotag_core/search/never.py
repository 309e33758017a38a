"""What never comes up in the service of search: tags and people that an operator has listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotag_core import storage
from autotag_core.errors import InputError

MAX_ITEMS = 1000
"""Each item is a few clauses of every search, and Elasticsearch takes some thousand."""
_PERSON = "person:"


@dataclass(frozen=True)
class Never:
    """Tags, and names of people, in lower case."""

    tags: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


def read_never(uri: str | None) -> Never:
    """The list of a UTF-8 file: a tag a line, or `person: NAME`; # begins a comment. Without a file it is empty.

    InputError where the file can't be read, says nothing, or has too many lines.
    """
    if uri is None:
        return Never()
    try:
        lines = storage.read_bytes(uri).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{uri}: the list of what never comes up must be UTF-8") from None
    said = [" ".join(line.partition("#")[0].lower().split()) for line in lines]
    people = dict.fromkeys(one.removeprefix(_PERSON).strip() for one in said if one.startswith(_PERSON))
    tags = dict.fromkeys(one for one in said if one and not one.startswith(_PERSON))
    if "" in people:
        raise InputError(f"{uri}: {_PERSON} without a name")
    if not 0 < len(people) + len(tags) <= MAX_ITEMS:
        raise InputError(f"{uri}: {len(people) + len(tags)} tags and people, it must be 1 to {MAX_ITEMS}")
    return Never(tuple(tags), tuple(people))


def is_safe(never: Never) -> dict[str, Any]:
    """A filter of Elasticsearch: documents that none of the list is about.

    A tag counts as a word or words of a tag, of an uploader's tag, of the caption and of the text; a person as one who
    is seen, and as a tag is.
    """
    clauses: list[dict[str, Any]] = []
    if never.people:
        clauses.append({"terms": {"people": list(never.people)}})
    for item in never.tags + never.people:
        in_tags = {"match_phrase": {"tags.tag.words": item}}
        exact = {"term": {"tags.tag": item}}  # a tag of signs, such as an emoji, has no words
        clauses.append({"nested": {"path": "tags", "query": {"bool": {"should": [in_tags, exact]}}}})
        fields = ["written_tags", "caption", "text", "people.words"]
        clauses.append({"multi_match": {"query": item, "type": "phrase", "fields": fields}})
    return {"bool": {"must_not": clauses}}
