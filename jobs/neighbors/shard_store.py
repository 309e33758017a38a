"""Index shards in the warehouse. What a run builds stays with its release, and later runs search it.

The shards of a run lie in `shards/RUN_ID`: a folder for each, a Delta table `contents` of the references in them, and
shards.json, written last. A release can be searched with the shards of the run that its `inputs` name under
EXPERT_shards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError, OutageError
from autotag_core.neighbors import check_shard
from autotag_core.tables import EMBEDDINGS
from autotag_core.warehouse.retention import SHARDS
from jobs.run.delta_tables import has_its_files, read_version, spark_schema, write_version
from jobs.run.run import Run
from udfs.neighbors.shard_rows import ShardFolders, ShardRow
from udfs.neighbors.stored_shards import CONTENTS, SavedShards, contents

_NOTE, _CONTENTS, _FORMAT = "shards.json", "contents", 2


def shard_folders(run: Run) -> ShardFolders:
    """Where this run writes shards."""
    return ShardFolders(run.staging.place("shards"), storage.join(run.warehouse, SHARDS, run.run_id))


def save_shards(run: Run, built: list[ShardRow], references_df: DataFrame) -> None:
    """Make the shards that this run has built those of its release. references_df: the embeddings of all references."""
    experts = sorted({shard.expert for shard in built})
    if not experts:
        return
    folder = storage.join(run.warehouse, SHARDS, run.run_id)
    contents_df = contents(references_df.where(F.col("expert").isin(experts)))
    uri = storage.join(folder, _CONTENTS)
    version, _ = write_version(contents_df, uri, run.run_id)
    rows = [_as_json(shard, folder) for shard in built]
    note = {"format": _FORMAT, "contents_version": version, "shards": rows}
    storage.write_bytes(storage.join(folder, _NOTE), json.dumps(note, indent=1).encode())
    run.facts.inputs.shards |= dict.fromkeys(experts, run.run_id)


def saved_shards(run: Run) -> dict[str, SavedShards]:
    """By expert, the base's shards that are whole and built as they would be now.

    The log says why others can't be used.
    """
    assert run.base is not None
    found = {}
    for expert, run_id in run.base.inputs.shards_of(run.config.experts).items():
        try:
            found[expert] = _read(run, expert, run_id)
        except OutageError:
            raise
        except (AutotagError, InputError, ValueError, KeyError, TypeError) as error:
            run.log.warning("saved shards can't be used", expert=expert, reason=storage.one_line(error))
    return found


def keep_shards(run: Run) -> None:
    """Let this run's release be searched with the base's shards, for experts of which the run builds no new ones."""
    assert run.base is not None
    run.facts.inputs.shards |= run.base.inputs.shards_of(run.config.experts)


def _read(run: Run, expert: str, run_id: str) -> SavedShards:
    folder = storage.join(run.warehouse, SHARDS, run_id)
    note = json.loads(storage.read_bytes(storage.join(folder, _NOTE)))
    if note["format"] != _FORMAT:
        raise AutotagError(f"{folder}: format {note['format']}; this code reads format {_FORMAT}")
    shards = [_from_json(row, folder) for row in note["shards"] if row["expert"] == expert]
    for shard in shards:
        check_shard(shard.uri, run.config.neighbors)
    uri, version = storage.join(folder, _CONTENTS), int(note["contents_version"])
    if not shards or not has_its_files(uri, version):
        raise AutotagError(f"{folder}: is not whole")
    schema = StructType([spark_schema(EMBEDDINGS)[name] for name in CONTENTS])
    return SavedShards(shards, read_version(run.spark, uri, version, schema))


def _as_json(shard: ShardRow, folder: str) -> dict[str, Any]:
    """The shard with its name in the folder in place of its URI, since a warehouse can move."""
    return asdict(replace(shard, uri=shard.uri.removeprefix(f"{folder}/")))


def _from_json(row: dict[str, Any], folder: str) -> ShardRow:
    return ShardRow(**row | {"uri": storage.below(folder, row["uri"])})
