"""A person out of the gallery, of the current release's tables and of search. What older releases hold is said."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import search, storage, warehouse
from autotag_core.errors import InputError
from autotag_core.faces.gallery import remove_people
from autotag_core.tables import FACES, GALLERY, PEOPLE, SEARCH_DOCUMENTS, Table
from autotag_core.warehouse import PUBLISHED, RunRecord
from autotag_core.warehouse.lease import Lease
from autotag_core.warehouse.own_tables import read_newest
from jobs.process.session import spark_session
from jobs.release.move_search import search_moved
from jobs.release.rollback_release import fill_released, search_settings
from jobs.release.settle_publication import writing
from jobs.run.delta_tables import read_table_version, write_version
from jobs.search.index_alias import open_index, watched
from udfs.search.documents import known_people

_CHANGED = (FACES, PEOPLE, SEARCH_DOCUMENTS)


@dataclass(frozen=True)
class Forgotten:
    """What became of a person."""

    num_pictures: int
    """Pictures that left the gallery."""
    num_gifs: int
    """GIFs of the current release that named the person."""
    release: RunRecord | None
    """The new release. None where the current one did not name the person."""
    held_by: tuple[str, ...]
    """Runs of older releases whose tables still name the person."""


def forget_person(
    person_id: str, gallery: str, uri: str, elasticsearch: str | None = None, alias: str = "gifs"
) -> Forgotten:
    """Take a person out of a gallery, and make a release without their name and face the current one.

    Readers of tables and of search move together. InputError where nobody of this id is known anywhere, or where the
    release is in search and no `elasticsearch` is named. Cost: three tables are written anew, and an index is filled.
    """
    with writing(uri) as held:
        current = warehouse.current_release(held.warehouse)
        num_gifs = _num_gifs(held.warehouse, current, person_id)
        if num_gifs and current.elasticsearch_index is not None and elasticsearch is None:
            raise InputError(f"run {current.run_id} is in search too: name it with --elasticsearch and --index")
        num_pictures = remove_people(gallery, [person_id]) if _is_enrolled(gallery, person_id) else 0
        release = _published(held, current, person_id, elasticsearch, alias) if num_gifs else None
        runs = warehouse.list_runs(held.warehouse)
        older = [run for run in runs if run.status == PUBLISHED and (release is None or run.run_id != release.run_id)]
        names = tuple(run.run_id for run in older if _num_gifs(held.warehouse, run, person_id))
    if not (num_pictures or num_gifs or names):
        raise InputError(f"{person_id}: not in the gallery {gallery}, and in no release of {uri}")
    return Forgotten(num_pictures, num_gifs, release, names)


def _is_enrolled(gallery: str, person_id: str) -> bool:
    found = read_newest(gallery, GALLERY, ["person_id"], pc.field("person_id") == person_id)
    return found is not None and found[0].num_rows > 0


def _num_gifs(uri: str, release: RunRecord, person_id: str) -> int:
    """GIFs in which a release names the person. 0 where its table is gone or never was."""
    if PEOPLE.name not in release.table_versions:
        return 0
    try:
        rows = warehouse.read_table(uri, PEOPLE.name, release, ["gif_id"], pc.field("person_id") == person_id)
    except InputError:  # deleted with its release
        return 0
    return int(rows.num_rows)


def _published(held: Lease, current: RunRecord, person_id: str, url: str | None, alias: str) -> RunRecord:
    """The current release without the person, published."""
    run_id, started = held.holder.run_id, datetime.now(UTC)
    tables = {table: _read(held.warehouse, current, table) for table in _CHANGED}
    versions = dict(current.table_versions)
    for table, rows_df in _without(tables, person_id).items():
        place = warehouse.table_uri(held.warehouse, table.name)
        versions[table.name], _ = write_version(rows_df.select(*table.schema.names), place, run_id, table)
    record = replace(
        current,
        run_id=run_id,
        started=started,
        status=PUBLISHED,
        message=None,
        release_of=run_id,
        table_versions=versions,
        seconds={},
    )
    with ExitStack() as stack:
        if url is not None and current.elasticsearch_index is not None:
            index = open_index(url, search.Owner(alias, storage.absolute(held.warehouse)), search_settings(current))
            stack.enter_context(watched(index))
            record = replace(record, elasticsearch_index=fill_released(index, held, record))
            held.check()
            assert record.elasticsearch_index is not None
            stack.enter_context(search_moved(index, run_id, record.elasticsearch_index, holds=run_id))
        record = replace(record, finished=datetime.now(UTC))
        warehouse.append_run(held.warehouse, record, after=current.sequence)
    return record


def _read(uri: str, release: RunRecord, table: Table) -> DataFrame:
    spark = spark_session("autotag faces", is_short=True)
    place = warehouse.table_uri(uri, table.name)
    return read_table_version(spark, place, release.table_versions[table.name], table)


def _without(tables: dict[Table, DataFrame], person_id: str) -> dict[Table, DataFrame]:
    """The tables where the person is somebody unknown, whose embeddings are not kept."""
    people_df, is_theirs = tables[PEOPLE], F.col("person_id").eqNullSafe(person_id)
    theirs_df = people_df.where(is_theirs).select("gif_id", "person", F.lit(True).alias("is_theirs"))
    columns = {name: F.when(~is_theirs, F.col(name)) for name in ("name", "probability")}
    people_df = people_df.withColumns(columns | {"known": F.col("known") & ~is_theirs})
    people_df = people_df.withColumn("person_id", F.when(~is_theirs, F.col("person_id")))
    faces_df = tables[FACES].join(theirs_df, ["gif_id", "person"], "left")
    faces_df = faces_df.withColumn("embeddings", F.when(F.col("is_theirs").isNull(), F.col("embeddings")))
    documents_df = tables[SEARCH_DOCUMENTS].drop("people").join(known_people(people_df), "gif_id", "left")
    documents_df = documents_df.withColumn("people", F.coalesce("people", F.array().cast("array<string>")))
    return {FACES: faces_df, PEOPLE: people_df, SEARCH_DOCUMENTS: documents_df}
