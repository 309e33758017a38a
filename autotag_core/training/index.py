"""The part of a release's examples that fits in memory: ids, labels and where each row lies, never a frame."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import TRAINING_EXAMPLES, TRAINING_LABELS
from autotag_core.training.balance import LabelLists
from autotag_core.warehouse import RunRecord, read_table, table_files, table_uri

_COLUMNS = ["gif_id", "split", "label_ids", "confidences", "has_text"]
_FOREIGN = ("_common_metadata", "_metadata")
_FOOTERS_AT_ONCE = 16


@dataclass(frozen=True)
class RowGroup:
    """A row group of one of the files."""

    path: str
    number: int


@dataclass(frozen=True)
class ExampleIndex:
    """The n examples of a split in the order of the files. It takes 60 bytes an example and 8 a label.

    Example i is row `rows[i]` of row group `groups[i]`. Its classes are in labels, with `confidences`.
    """

    filesystem: pafs.FileSystem
    row_groups: list[RowGroup]
    gif_ids: pa.ChunkedArray  # (n,)
    groups: NDArray[np.int32]  # (n,)
    rows: NDArray[np.int32]  # (n,)
    has_text: NDArray[np.bool_]  # (n,)
    labels: LabelLists
    confidences: NDArray[np.float32]  # as labels.classes
    names: list[str]
    """The label of each class, alphabetical."""

    def __len__(self) -> int:
        return len(self.groups)


def read_index(warehouse: str, release: RunRecord, split: str, min_examples: int) -> ExampleIndex:
    """The examples of a split and, as classes, the labels that at least min_examples train examples have.

    Labels that are no class are left out of the lists, so an example may have none. InputError where there is no such
    example or class, or where somebody has put dataset metadata of petastorm beside the table.
    """
    refuse_metadata(warehouse)
    labels = read_table(warehouse, TRAINING_LABELS.name, release).sort_by("label_id").to_pylist()
    kept = [row for row in labels if row["num_examples"] >= min_examples]
    if not kept:
        most = max((row["num_examples"] for row in labels), default=0)
        raise InputError(f"{warehouse}: no label has {min_examples} train examples, at most {most}: lower min_examples")
    filesystem, paths = storage.arrow_paths(sorted(table_files(warehouse, TRAINING_EXAMPLES.name, release)))
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        parts = list(pool.map(lambda path: _read_file(filesystem, path, split), paths))
    row_groups = [group for groups, _ in parts for group in groups]
    starts = np.cumsum([0, *(len(groups) for groups, _ in parts)])
    tables = [
        rows.set_column(0, "group", pc.add(rows["group"], pa.scalar(int(start), pa.int32())))
        for (_, rows), start in zip(parts, starts, strict=False)
    ]
    examples = pa.concat_tables(tables)
    if examples.num_rows == 0:
        raise InputError(f"{warehouse}: run {release.run_id} has no {split} examples: see its table training_funnel")
    classes_of = np.full(max(row["label_id"] for row in labels) + 1, -1, np.int32)
    classes_of[[row["label_id"] for row in kept]] = np.arange(len(kept))
    lists, confidences = _label_lists(examples, classes_of, len(kept))
    return ExampleIndex(
        filesystem=filesystem,
        row_groups=row_groups,
        gif_ids=examples["gif_id"],
        groups=examples["group"].to_numpy(),
        rows=examples["row"].to_numpy(),
        has_text=examples["has_text"].to_numpy().astype(bool),
        labels=lists,
        confidences=confidences,
        names=[row["label"] for row in kept],
    )


def refuse_metadata(warehouse: str) -> None:
    """InputError where petastorm's dataset metadata lies in the table: they are pickles, which can run code.

    The job never writes any, and the reader never opens them. If they are there, somebody means another reader to.
    """
    for name in _FOREIGN:
        uri = storage.join(table_uri(warehouse, TRAINING_EXAMPLES.name), name)
        if storage.is_file(uri):
            raise InputError(
                f"{uri}: this is petastorm's dataset metadata, a pickle that can run code; autotag writes none: "
                "delete it, and find out who put it there"
            )


def _read_file(filesystem: pafs.FileSystem, path: str, split: str) -> tuple[list[RowGroup], pa.Table]:
    """The file's row groups, and its examples of the split as (group, row, gif_id, has_text, label_ids, ...)."""
    with filesystem.open_input_file(path) as source:
        file = pq.ParquetFile(source)
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
        table = file.read(_COLUMNS)
    starts = np.cumsum([0, *sizes])[:-1]
    groups = [RowGroup(path, number) for number in range(len(sizes))]
    group = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    row = (np.arange(table.num_rows) - np.repeat(starts, sizes)).astype(np.int32)
    wanted = pc.equal(table["split"], split)
    table = table.drop_columns(["split"]).add_column(0, "group", pa.array(group)).add_column(1, "row", pa.array(row))
    return groups, table.filter(wanted)


def _label_lists(
    examples: pa.Table, classes_of: NDArray[np.int32], num_classes: int
) -> tuple[LabelLists, NDArray[np.float32]]:
    lists = examples["label_ids"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    classes = classes_of[lists.flatten().to_numpy()]
    confidences = examples["confidences"].combine_chunks().flatten().to_numpy()
    is_class = classes >= 0
    example = np.repeat(np.arange(len(lengths)), lengths)[is_class]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(example, minlength=len(lengths)))]).astype(np.int64)
    return LabelLists(offsets, classes[is_class], num_classes), confidences[is_class]
