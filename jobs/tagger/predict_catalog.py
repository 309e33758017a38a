"""A catalog file in; the table predictions out, computed in executors. GIFs that it knows already are not decoded."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core import experts, storage
from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.tables import FAILURES, PREDICTIONS
from autotag_core.tagger.feature_check import RELATED, check_weights
from autotag_core.tagger.frame_store import BACKBONE
from autotag_core.tagger.tagger_model import TaggerModel
from autotag_core.warehouse import table_uri
from autotag_core.warehouse.abandoned import EVALUATION
from autotag_core.warehouse.own_tables import newest_version
from jobs.catalog.read_catalog import refuse_empty
from jobs.run.delta_tables import read_version, spark_schema, write_files_alone, write_version
from jobs.run.failure_log import in_words
from udfs.catalog.check import check_catalog, is_usable, place_rows, read_catalog
from udfs.embeddings import frames as embeddings
from udfs.embeddings.frames import gpus_per_task
from udfs.inputs.read_rows import count_usable
from udfs.reuse.row_digests import compare_gifs
from udfs.tagger import predictions


@dataclass(frozen=True)
class CatalogPredicted:
    """What became of a catalog's rows."""

    model: str
    num_predicted: int
    """GIFs that have predictions now."""
    num_kept: int
    """Of these, GIFs whose file and tagger are those of the predictions that were there before."""
    num_failed: int
    failures: str
    """How many by reason, with an example; empty if none."""
    version: int
    """Of the table."""


def predict_catalog(
    spark: SparkSession, catalog: str, warehouse: str, model: TaggerModel, places: Sequence[str] = ()
) -> CatalogPredicted:
    """Write the tagger's predictions for a catalog as the newest version of the table predictions.

    They replace what was there. GIFs may lie in the catalog's bucket or folder and in `places`. InputError where the
    catalog can't be read or has no GIF, or the backbone here is not the tagger's. Cost: a fetch of each GIF that has
    predictions by this tagger, to compare its bytes; a night's cost of frames for each other one.
    """
    config = _config_of(model, spark, [storage.own_place(catalog), *places])
    uri, folder = table_uri(warehouse, PREDICTIONS.name), storage.join(warehouse, EVALUATION, uuid.uuid4().hex)
    with ExitStack() as stack:
        stack.callback(storage.delete_prefix, folder)
        read_df = read_catalog(spark, catalog, config.catalog.csv_tag_separator)
        rows_df = place_rows(read_df, catalog, config.frames.allowed_places).persist(StorageLevel.DISK_ONLY)
        stack.callback(rows_df.unpersist)
        _, num_usable = count_usable(rows_df, is_usable())
        checked = check_catalog(rows_df, catalog)
        refuse_empty(checked, catalog, num_usable)
        old_df = _by_this_model(spark, warehouse, uri, model)
        compared_df, _ = write_files_alone(_compared(checked.gifs_df, old_df, config), storage.join(folder, "compared"))
        todo_df = compared_df.where("not is_same")
        outcomes_df, _ = write_files_alone(embeddings.embed_frames(todo_df, config), storage.join(folder, "outcomes"))
        features_df = (
            predictions.frames_of(outcomes_df)
            if model.record.experiment.needs_frames
            else predictions.means_of(embeddings.embedding_rows(outcomes_df))
        )
        same_df = compared_df.where("is_same").select("gif_id")
        kept_df = old_df.join(same_df, "gif_id", "left_semi")
        found_df = kept_df.unionByName(predictions.predict_tags(features_df, model))
        version, _ = write_version(found_df, uri, uuid.uuid4().hex, PREDICTIONS)
        failures_df = embeddings.failure_rows(outcomes_df)
        failures = _grouped(failures_df.unionByName(checked.failures_df.select(*FAILURES.schema.names)))
        num_kept = same_df.count()
        return CatalogPredicted(
            model.name,
            num_kept + features_df.count(),
            num_kept,
            sum(count for _, count, _ in failures),
            in_words(failures),
            version,
        )


def _config_of(model: TaggerModel, spark: SparkSession, places: Sequence[str]) -> Config:
    """What makes the tagger's features alone, settled for this session. Its release's allowed places do not count."""
    config = recorded_config(model.record.config)
    only: tuple[str, ...] = (RELATED,) if model.record.experiment.needs_frames else (BACKBONE,)
    config = config.model_copy(
        update={
            "experts": only,
            "frames": config.frames.model_copy(update={"allowed_places": tuple(dict.fromkeys(places))}),
            "imagenet": config.imagenet.model_copy(update={"threads": 1}),
            "temporal": config.temporal.model_copy(update={"backbone": BACKBONE}),
        }
    )
    config = experts.settled(config, config.imagenet.device != "cpu" and gpus_per_task(spark) > 0)
    check_weights(model.record, experts.backbone_version(config))
    return config


def _by_this_model(spark: SparkSession, warehouse: str, uri: str, model: TaggerModel) -> DataFrame:
    """The rows of the table's newest version that are by this tagger."""
    newest = newest_version(warehouse, PREDICTIONS)
    schema = spark_schema(PREDICTIONS)
    rows_df = spark.createDataFrame([], schema) if newest is None else read_version(spark, uri, newest, schema)
    return rows_df.where(F.col("model") == model.name)


def _compared(gifs_df: DataFrame, old_df: DataFrame, config: Config) -> DataFrame:
    """compare_gifs' rows: whether a GIF has the bytes that its predictions are about. Its own file is looked at."""
    none, no_renditions = F.lit(None).cast("string"), F.array().cast("array<string>").alias("renditions")
    known_df = old_df.select("gif_id", "version", none.alias("rendition")).distinct()
    unsaid_df = known_df.select("gif_id", none.alias("uri"), none.alias("version"), no_renditions)
    return compare_gifs(gifs_df.select("gif_id", "uri", "version", no_renditions), unsaid_df, known_df, config)


def _grouped(failures_df: DataFrame) -> list[tuple[str, int, str]]:
    rows = failures_df.groupBy("reason").agg(F.count("*").alias("rows"), F.min("message").alias("first")).collect()
    return [(row["reason"], row["rows"], row["first"]) for row in rows]
