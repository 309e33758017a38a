"""What a killed run has already seen of the frames. The next run takes it up, so that little is done twice.

Spark's tasks write their rows as files before the stage is committed. So each task that has ended left whole files. The
run leaves beside them a note of what they were made by. The next run takes from them the GIFs that are still the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import storage
from autotag_core.experts import backbone_version, chosen_experts
from autotag_core.tables import CATALOG
from autotag_core.warehouse import table_uri
from jobs.run.delta_tables import read_version, spark_schema
from jobs.run.leftovers import left_notes
from jobs.run.run import Run
from udfs.embeddings.frames import OUTCOMES

FRAMES = "frames"
"""The name under which outcomes are staged."""
_NOTE = "frames.json"


@dataclass(frozen=True)
class Leftover:
    """What a killed run left.

    outcomes_df: OUTCOMES of GIFs that were read and embedded, each once. catalog_df: the catalog (gif_id, uri, version)
    that they were read by.
    """

    outcomes_df: DataFrame
    catalog_df: DataFrame


def note_frames(run: Run, experts: list[str]) -> None:
    """Note in the staging what this run's outcomes are made by, before the first of them is written."""
    note = {"made_by": _made_by(run, experts), "catalog": run.tables.versions[CATALOG.name]}
    storage.write_bytes(run.staging.place(_NOTE), json.dumps(note).encode())
    run.staging.is_kept = True


def find_leftover(run: Run, experts: list[str]) -> Leftover | None:
    """What the newest run has left that looked at frames as this one does. None: no run did."""
    for folder, note, files in left_notes(run, _NOTE):
        parts = [file for file in files if file.startswith(f"{folder}/{FRAMES}/") and _is_data(file)]
        if not parts:
            continue
        if note["made_by"] == _made_by(run, experts):
            catalog_df = read_version(
                run.spark, table_uri(run.warehouse, CATALOG.name), note["catalog"], spark_schema(CATALOG)
            )
            return Leftover(_read(run, parts), catalog_df)
    return None


def _made_by(run: Run, experts: list[str]) -> dict[str, str | None]:
    made_by = {name: run.facts.inputs.versions.get(name) for name in ("frames", "reader", "faces", *experts)}
    if chosen_experts(run.config, "frame_features"):
        made_by["backbone"] = backbone_version(run.config)
    return made_by


def _is_data(uri: str) -> bool:
    return uri.endswith(".parquet") and "/_delta_log/" not in uri


def _read(run: Run, files: list[str]) -> DataFrame:
    """The outcomes in the files, without broken files and GIFs that failed.

    Each GIF is there once: a task that was tried twice left two files.
    """
    reader = run.spark.read.schema(from_arrow_schema(OUTCOMES)).option("ignoreCorruptFiles", "true")
    rows_df = reader.parquet(*files).where(F.col("reason").isNull() & F.col("version").isNotNull())
    return rows_df.dropDuplicates(["gif_id"])
