"""The evidence that a release's votes rest on, gathered anew from its tables. The tables stay as they are.

The driver gets the evidence on the GIFs that a truth names and on the validation GIFs. That is about 150 rows of 200
bytes a GIF.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.errors import InputError
from autotag_core.tables import CATALOG, DECIDED_TAGS, DUPLICATES, EMBEDDINGS, EXPERT_WEIGHTS, NEIGHBORS, Table
from autotag_core.votes import KNOWING_SLIPS, ExpertWeight
from autotag_core.warehouse import RunRecord, read_table, table_uri
from autotag_core.warehouse.abandoned import EVALUATION
from jobs.process.session import spark_session
from jobs.run.delta_tables import read_table_version
from jobs.run.staging import kept_in
from jobs.votes.fit_judge import read_weights, taught_excess, teaching_pairs
from udfs.duplicates import groups as duplicates
from udfs.tasks.keep import Keep
from udfs.votes import ballots as gif_rows
from udfs.votes import evidence, tag_tables
from udfs.votes import misspellings as slips
from udfs.votes.ballots import Ballots
from udfs.votes.decided import with_refused
from udfs.votes.looks import look


@dataclass(frozen=True)
class Way:
    """How evidence is gathered: whether slips are taken for what they look like, and how copies of a GIF count."""

    slips: bool
    count_once: bool
    flow_tags: bool


@dataclass(frozen=True)
class Release:
    """The settings and weights of a release, the GIFs with a truth, and its tables in Spark.

    copies_df and decided_df are None where the release has no copies, and where no editor has decided; embeddings_df is
    None where it has none.
    """

    warehouse: str
    config: Config
    weights: dict[str, ExpertWeight]
    catalog: pa.Table
    catalog_df: DataFrame
    neighbors_df: DataFrame
    embeddings_df: DataFrame | None
    copies_df: DataFrame | None
    decided_df: DataFrame | None = None

    def way_of(self, rule: str) -> Way:
        """How the run gathered evidence, or would have gathered it for that rule."""
        knows = rule in KNOWING_SLIPS
        copies = self.config.duplicates
        return Way(knows and self.config.catalog.labels == "raw", copies.count_once, copies.flow_tags and knows)


@dataclass(frozen=True)
class Pairs:
    """Evidence of a release on GIFs with a truth, and on what teaches: validation GIFs, and what editors have decided.

    `validation` also has is_right and lacks, by the editors, and is_decided. It is None where that is too little.
    """

    known: pa.Table
    validation: pa.Table | None
    taught: dict[str, float]
    """taught_excess, as fit_judge takes it."""

    @property
    def has_looks(self) -> bool:
        """Whether anything is known of how GIFs look."""
        return self.known["likeness"].null_count < len(self.known)

    def without_looks(self) -> Pairs:
        """The evidence as if nobody had looked at GIFs."""

        def blind(table: pa.Table) -> pa.Table:
            at = table.column_names.index("likeness")
            return table.set_column(at, "likeness", pa.nulls(len(table), pa.float64()))

        validation = None if self.validation is None else blind(self.validation)
        return replace(self, known=blind(self.known), validation=validation)


def open_release(warehouse: str, record: RunRecord, truth: pa.Table) -> Release:
    """The release, with the settings that its run recorded. The Spark session keeps running.

    Of the catalog, only the GIFs that the truth names come to the driver. InputError where a table is missing.
    """
    config = recorded_config(record.config)
    spark = spark_session("autotag evaluate")
    catalog_df, neighbors_df, weights_df = (
        _read(spark, warehouse, record, table) for table in (CATALOG, NEIGHBORS, EXPERT_WEIGHTS)
    )
    embeddings_df, copies_df, decided_df = (
        _read(spark, warehouse, record, table) if table.name in record.table_versions else None
        for table in (EMBEDDINGS, DUPLICATES, DECIDED_TAGS)
    )
    if copies_df is not None and copies_df.isEmpty():
        copies_df = None
    weights, _ = read_weights(weights_df, config.vote)
    is_known = pc.field("gif_id").isin(pc.unique(truth["gif_id"]))
    catalog = read_table(warehouse, CATALOG.name, record, ["gif_id", "tags", "split"], is_known)
    return Release(warehouse, config, weights, catalog, catalog_df, neighbors_df, embeddings_df, copies_df, decided_df)


def gather_pairs(release: Release, way: Way, truth: pa.Table, split: str) -> Pairs:
    """The evidence, gathered that way, on the validation GIFs and on the GIFs of the split that the truth names."""
    vote, experts, catalog_df = release.config.vote, sorted(release.weights), release.catalog_df
    spark, neighbors_df, copied_df = catalog_df.sparkSession, release.neighbors_df, None
    if release.copies_df is not None and way.count_once:
        neighbors_df = duplicates.distinct_neighbors(neighbors_df, release.copies_df, release.config.neighbors.k)
    if release.copies_df is not None and way.flow_tags:
        copied_df = duplicates.flow_tags(catalog_df, release.copies_df)
    with _kept(spark, release.warehouse) as (keep, folder):
        slips_df = keep(slips.slips(catalog_df)) if way.slips else None
        neighbors_df = keep(neighbors_df) if way.count_once else neighbors_df
        if release.decided_df is not None:
            copied_df = with_refused(copied_df, release.decided_df)
        about_df = gif_rows.about_rows(catalog_df, copied_df)
        tags = tag_tables.write_tags(about_df, slips_df, folder)
        looks_df = None
        if release.embeddings_df is not None:
            looks_df = look(release.embeddings_df, release.config, tags.num_gifs, folder)
        ballots = Ballots(neighbors_df, about_df, tags, None if looks_df is None else keep(looks_df))
        known = tag_tables.write_statistics(ballots, experts, vote, folder)
        known_df = spark.createDataFrame(pa.table({"gif_id": pc.unique(truth["gif_id"])}), "gif_id string")
        known_df = known_df.join(catalog_df.where(F.col("split") == split), "gif_id", "left_semi")
        pairs = evidence.gather_evidence(ballots, known_df, known, vote).toArrow()
        teaching = teaching_pairs(ballots, catalog_df, known, vote, release.decided_df)
        return Pairs(pairs, teaching, taught_excess(known))


@contextmanager
def _kept(spark: SparkSession, warehouse: str) -> Iterator[tuple[Keep, str]]:
    """(keep, folder): what writes rows that several steps need, and where to. The folder is deleted after the block.

    It is local where Spark runs on this machine. So people who can only read the warehouse can use it.
    """
    is_local = (spark.sparkContext.master or "").startswith("local[")
    shared = storage.join(warehouse, EVALUATION, uuid.uuid4().hex)  # not `_staging`, which a night clears
    folder = tempfile.mkdtemp(prefix=storage.SCRATCH) if is_local else shared
    try:
        yield kept_in(folder), folder
    finally:
        storage.delete_prefix(folder)


def _read(spark: SparkSession, warehouse: str, record: RunRecord, table: Table) -> DataFrame:
    if table.name not in record.table_versions:
        raise InputError(f"{warehouse}: run {record.run_id} has no table {table.name}")
    return read_table_version(spark, table_uri(warehouse, table.name), record.table_versions[table.name], table)
