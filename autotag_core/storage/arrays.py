"""Named arrays in one file that tasks map: only the parts that are looked at are in memory."""

from __future__ import annotations

import functools
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa

from autotag_core import storage


def write_arrays(columns: Mapping[str, pa.Array | npt.NDArray[Any]], folder: str, workspace: Path) -> str:
    """Write the arrays, of any lengths, to a file with a new name in the folder (local or S3); gives its URI."""
    lists = [
        pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), pa.array(values))
        for values in columns.values()
    ]
    batch = pa.RecordBatch.from_arrays(lists, list(columns))
    uri = storage.join(folder, f"{uuid.uuid4().hex[:12]}.arrow")
    workspace.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="arrays-", dir=workspace) as scratch:
        path = Path(scratch, "arrays.arrow")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        storage.upload_file(path, uri)
    return uri


def open_arrays(uri: str, workspace: Path) -> dict[str, pa.Array]:
    """Map the file. A file on S3 is first downloaded, once for all processes of the host."""
    path = storage.host_copy(uri, workspace, functools.partial(storage.download_file, uri))
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    return {name: batch[name].values for name in batch.schema.names}
