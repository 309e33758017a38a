"""A warehouse and its search alias at a moment, to come back to without a command that is itself on trial."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from autotag_core import storage


def copy_folder(source: str, target: str) -> None:
    """Copy every file below a folder, at most some hundred small ones. What is at the target goes first."""
    storage.delete_prefix(target)
    for uri in storage.list_files(source):
        storage.write_bytes(target + uri.removeprefix(source), storage.read_bytes(uri))


class Saved:
    """Keeps a copy of `place` at `copy`, and which index the alias shows. Nothing may write meanwhile."""

    def __init__(self, place: str, copy: str, search: tuple[str, str]) -> None:
        self._place, self._copy, (self._url, self._alias) = place, copy, search
        copy_folder(place, copy)
        with Elasticsearch(self._url, request_timeout=60) as client:
            (self._index,) = client.indices.get_alias(name=self._alias)

    def restore(self) -> None:
        """Bring tables and alias back, and delete the alias's other indexes."""
        copy_folder(self._copy, self._place)
        with Elasticsearch(self._url, request_timeout=60) as client:
            add = {"add": {"index": self._index, "alias": self._alias}}
            found = [name for name in client.indices.get(index=f"{self._alias}-2*") if name != self._index]
            client.indices.update_aliases(actions=[add, *({"remove_index": {"index": name}} for name in found)])
