"""The base of a night: the last release, where what it says of a GIF can still be true."""

from __future__ import annotations

import functools
import json
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import experts, frames, ocr, storage, warehouse
from autotag_core.config import Config
from autotag_core.errors import AutotagError, InputError
from autotag_core.experts.text.sentences import sentences_version
from autotag_core.failures import Stage
from autotag_core.tables import (
    CATALOG,
    CHOSEN_TAGS,
    DECIDED_TAGS,
    EMBEDDINGS,
    FAILURES,
    LABELS,
    MEDIA,
    NEIGHBORS,
    TRENDS,
    WRITTEN_TAGS,
    check_columns,
)
from autotag_core.warehouse import RunInputs, RunRecord
from autotag_core.warehouse.delta import open_table
from jobs.run.run import Run
from jobs.search.index_alias import Index, serves_release
from udfs.reuse.row_digests import same_rows

MEANING = "meaning"
_NEEDED = (CATALOG, EMBEDDINGS, NEIGHBORS, FAILURES)
_NO_EFFECT = frozenset({"reuse", "spark", "warehouse", "gates", "reports"})
_OF_OTHERS = (LABELS, WRITTEN_TAGS, CHOSEN_TAGS, DECIDED_TAGS, TRENDS)
"""Tables that come from people and commands besides the catalog."""


def choose_base(run: Run) -> None:
    """Make the current release the run's base, or give it none. Note which it is, or why there is none."""
    note_versions(run.facts.inputs, run.config)
    last = warehouse.last_release(run.warehouse)
    run.seen_before = last.sequence if last else 0
    base, why = _usable(run, last)
    if base is not None:
        why = _misfit(run, base)
    run.tables.base = base if not why else None
    if run.base is not None:
        run.failures.hold()
    said = why or str(base and base.run_id)
    run.note(base=said)
    run.log.info("base chosen", base=said)


def _misfit(run: Run, base: RunRecord) -> str:
    """Why a release can't be the base. Empty where it can."""
    needed = [*_NEEDED, *([MEDIA] if sees_frames(run.config) else [])]
    if missing := [table.name for table in needed if table.name not in base.table_versions]:
        return f"none: run {base.run_id} has no {', '.join(missing)}"
    if base.inputs.versions.get("frames") != run.facts.inputs.versions["frames"]:
        return f"none: run {base.run_id} has made frames in another way"
    for table in needed:
        delta = open_table(warehouse.table_uri(run.warehouse, table.name), base.table_versions[table.name])
        try:
            check_columns(table, pa.schema(delta.schema().to_arrow()))
        except AutotagError as error:
            return f"none: run {base.run_id} was made by another version of autotag: {error}"
    return ""


def _usable(run: Run, last: RunRecord | None) -> tuple[RunRecord | None, str]:
    """The last release where this run may build on it, else None and why."""
    if run.config.reuse == "nothing":
        return None, "none: everything is made anew, as asked"
    if last is None:
        return None, "none: no release yet"
    try:
        warehouse.check_files(run.warehouse, last)
    except InputError as error:
        run.log.warning("the last release can't be stood on", reason=str(error))
        return None, f"none: {error}"
    return last, ""


def note_versions(inputs: RunInputs, config: Config) -> None:
    """Note what a run is given besides catalog and models: how it makes frames and reads text, and which sessions."""
    inputs.versions["frames"] = frames.frames_version(config.frames)
    if experts.chosen_experts(config, "texts"):
        inputs.versions["reader"] = ocr.reader_version(config.text)
    if config.elasticsearch.meaning:
        inputs.versions[MEANING] = sentences_version(config.text)
    for name in ("sessions", "search_sessions"):
        uri = getattr(config.semantic, name)
        if uri:
            inputs.stamps[name] = storage.stamp(uri)


def sees_frames(config: Config) -> bool:
    """Whether an expert looks at frames, or reads what is written in them, or faces are looked for."""
    return config.faces.enabled or any(expert.source != "tags" for expert in experts.chosen_experts(config))


def kept_experts(run: Run) -> list[str]:
    """The experts whose model is the one that made the base's embeddings."""
    if run.base is None:
        return []
    before, now = run.base.inputs.versions, run.facts.inputs.versions
    return [expert for expert in run.config.experts if expert in now and before.get(expert) == now[expert]]


def is_unchanged(run: Run, index: Index | None) -> bool:
    """Whether this run would publish what the base already is.

    That is so if no row of catalog, media, embeddings, neighbors or failures differs, and nothing else that later
    stages are given. With an index, readers of search must also see the base's documents.
    """
    base = run.base
    if base is None:
        return False
    written = [CATALOG, EMBEDDINGS, NEIGHBORS, *([MEDIA] if sees_frames(run.config) else [])]
    return (
        all(run.tables.is_adopted(table) for table in written)
        and all(base.table_versions.get(table.name) == run.tables.versions.get(table.name) for table in _OF_OTHERS)
        and base.inputs.makes_the_same(run.facts.inputs)
        and _settings(json.loads(base.config)) == _settings(run.config.model_dump(mode="json"))
        and _same_failures(run)
        and (index is None or serves_release(index, base))
    )


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """The settings that rows depend on. What an allowed place lets in or keeps out is seen by the rows themselves."""
    kept = {name: value for name, value in config.items() if name not in _NO_EFFECT}
    if "frames" in kept:
        kept["frames"] = {name: value for name, value in kept["frames"].items() if name != "allowed_places"}
    return kept


def _same_failures(run: Run) -> bool:
    """Whether the same items fail as before. Documents that an index refuses are known only once it is filled."""
    if not run.failures.counts and not run.tables.num_base_rows(FAILURES):
        return True
    before_df = run.tables.read_base(FAILURES).where(F.col("stage") != str(Stage.SEARCH_DOCUMENTS))
    return same_rows(functools.reduce(DataFrame.unionByName, run.failures.held(), before_df.limit(0)), before_df)[0]
