"""A run's folder in `_staging`: rows that several later steps need, and what a run leaves for the next if it fails."""

from __future__ import annotations

import itertools
from typing import Any

from pyspark.sql import DataFrame

from autotag_core import storage
from autotag_core.errors import InputError
from jobs.run.delta_tables import write_files_alone
from udfs.tasks.keep import Keep


def kept_in(folder: str) -> Keep:
    """What writes rows under a name of their own in the folder each time it is called."""
    numbers = itertools.count()
    return lambda rows_df: write_files_alone(rows_df, storage.join(folder, str(next(numbers))))[0]


class Staging:
    """The folder of one run, deleted when it ends."""

    def __init__(self, warehouse: str, run_id: str) -> None:
        self._all, self._run_id = storage.join(warehouse, "_staging"), run_id
        self.uri = storage.join(self._all, run_id)
        self.is_kept = False
        """Whether something lies in it that a later run could take up if this one fails."""

    def place(self, name: str) -> str:
        """The URI of what bears this name in it."""
        return storage.join(self.uri, name)

    def write(self, name: str, rows_df: DataFrame) -> tuple[DataFrame, int]:
        """Compute the rows once, outside the tables: (the rows, how many).

        What retried and speculative tasks leave beside them is not read: each row is there once, on any file system.
        """
        return write_files_alone(rows_df, self.place(name))

    def keeper(self, name: str) -> Keep:
        """A function that computes rows once: each time it is called it writes them under a name of their own."""
        return kept_in(self.place(name))

    def clean_up(self) -> None:
        """Drop the folder."""
        storage.delete_prefix(self.uri)

    def drop_others(self, log: Any) -> None:
        """Drop what runs that did not end left: one run at a time writes a warehouse, so nobody needs it."""
        try:
            folders = {uri.removeprefix(f"{self._all}/").partition("/")[0] for uri in storage.list_files(self._all)}
            others = folders - {self._run_id}
            is_alone = self._run_id not in folders
            for folder in [self._all] if is_alone else [storage.join(self._all, name) for name in others]:
                storage.delete_prefix(folder)
        except InputError as error:
            log.warning("leftovers of earlier runs not deleted", reason=str(error))
