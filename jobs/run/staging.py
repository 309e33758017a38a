"""A run's folder in `_staging`: rows that later steps need, and what the run leaves for the next if it fails."""

from __future__ import annotations

import itertools
from typing import Any

from pyspark.sql import DataFrame

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.warehouse.abandoned import drop_abandoned
from jobs.run.delta_tables import write_files_alone
from udfs.tasks.keep import Keep


def kept_in(folder: str) -> Keep:
    """A function that writes rows to the folder, under a new name at each call."""
    numbers = itertools.count()
    return lambda rows_df: write_files_alone(rows_df, storage.join(folder, str(next(numbers))))[0]


class Staging:
    """The folder of one run, deleted when the run ends."""

    def __init__(self, warehouse: str, run_id: str) -> None:
        self._warehouse = warehouse
        self._all, self._run_id = storage.join(warehouse, "_staging"), run_id
        self.uri = storage.join(self._all, run_id)
        self.is_kept = False
        """Whether the folder stays if this run fails, since it holds something that a later run could take up."""

    def place(self, name: str) -> str:
        """The URI of this name in the folder."""
        return storage.join(self.uri, name)

    def write(self, name: str, rows_df: DataFrame) -> tuple[DataFrame, int]:
        """(the rows, how many), computed once and written outside the tables.

        Files that retried and speculative tasks leave beside them are not read. So each row is there once, on any file
        system.
        """
        return write_files_alone(rows_df, self.place(name))

    def keeper(self, name: str) -> Keep:
        """A function that computes rows once: at each call it writes them under a new name in the folder `name`."""
        return kept_in(self.place(name))

    def clean_up(self) -> None:
        """Drop the folder."""
        storage.delete_prefix(self.uri)

    def drop_others(self, log: Any) -> None:
        """Drop what runs that did not end have left. One run at a time writes a warehouse, so nobody needs it.

        What others may still use goes after a day: folders of evaluations, and temporary folders of this machine.
        """
        storage.drop_old_scratch()
        try:
            folders = {uri.removeprefix(f"{self._all}/").partition("/")[0] for uri in storage.list_files(self._all)}
            others = folders - {self._run_id}
            is_alone = self._run_id not in folders
            for folder in [self._all] if is_alone else [storage.join(self._all, name) for name in others]:
                storage.delete_prefix(folder)
            drop_abandoned(self._warehouse)
        except InputError as error:
            log.warning("leftovers of earlier runs not deleted", reason=str(error))
