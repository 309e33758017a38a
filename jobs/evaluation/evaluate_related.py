"""How often related GIFs hold the GIF that came next, in sessions that they were not learned from."""

from __future__ import annotations

import uuid

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.errors import InputError
from autotag_core.experts.semantic.tag_space import GIF_PREFIX
from autotag_core.related import RelatedQuality, search_settings, token_vectors
from autotag_core.splits import TRAIN
from autotag_core.tables import CATALOG
from autotag_core.warehouse import RunRecord, table_uri
from autotag_core.warehouse.abandoned import EVALUATION
from jobs.run.delta_tables import read_table_version
from udfs.embeddings import tags as tag_vectors
from udfs.evaluation import related_quality
from udfs.neighbors import search as neighbors
from udfs.neighbors.shard_rows import ShardFolders
from udfs.related import related


def evaluate_related(
    spark: SparkSession, warehouse: str, release: RunRecord, sessions: str, held_out: float, k: int
) -> RelatedQuality:
    """Hits of related GIFs and of simpler methods on held-out sessions, with a space fitted anew on the other sessions.

    The catalog and settings are the release's. A share `held_out` of the sessions, by a hash of session_id and the
    run's seed, is kept from everything that is learned, baselines included. InputError where no session is left on one
    of the two sides, or no held-out one has two GIFs of the catalog in a row.

    Cost: the stages tags, neighbors (of the semantic expert) and related_gifs of a night, and the squares of sessions'
    lengths.
    """
    config = recorded_config(release.config)
    uri = table_uri(warehouse, CATALOG.name)
    catalog_df = read_table_version(spark, uri, release.table_versions[CATALOG.name], CATALOG)
    sessions_df, _ = tag_vectors.read_sessions(spark, sessions)
    training_df, held_out_df = related_quality.split_sessions(sessions_df, held_out, config.seed)
    counts = {"training": training_df.count(), "held-out": held_out_df.count()}
    views_df = related_quality.next_views(held_out_df, catalog_df)
    if not all(counts.values()) or views_df.isEmpty():
        raise InputError(
            f"{sessions}: {counts['training']} sessions to learn from and {counts['held-out']} held out: "
            "there must be some of both, and in the held-out ones two GIFs of the catalog in a row"
        )
    folder = storage.join(warehouse, EVALUATION, uuid.uuid4().hex)
    try:
        related_df = _relate(catalog_df, training_df, config, k, folder)
        together_df = related_quality.cooccurring_gifs(training_df, catalog_df, k)
        popular = related_quality.popular_gifs(training_df, catalog_df, k + 1)
        num_views, methods = related_quality.count_hits(views_df, related_df, together_df, popular, k)
    finally:
        storage.delete_prefix(folder)
    return RelatedQuality(k, num_views, counts["training"], counts["held-out"], methods)


def _relate(catalog_df: DataFrame, sessions_df: DataFrame, config: Config, k: int, folder: str) -> DataFrame:
    """RELATED_GIFS as the night makes them, learned from these sessions alone.

    Shards are under the folder. The caller deletes it once the rows are read.
    """
    spark = catalog_df.sparkSession
    space = tag_vectors.fit_tag_space(catalog_df, sessions_df, config.semantic, config.seed)
    embeddings_df = tag_vectors.embed_tags(catalog_df, space, config).persist()
    settings = search_settings(config.neighbors, k)
    train_df = catalog_df.where(F.col("split") == TRAIN).select("gif_id")
    folders = ShardFolders(storage.join(folder, "tags"))
    neighbors_df = neighbors.find_neighbors(embeddings_df, train_df, settings, folders).neighbors_df
    gifs = token_vectors(space, GIF_PREFIX)
    gifs = gifs.only(related.known_gifs(catalog_df, gifs.names))
    searchable = related.make_searchable(spark, gifs, settings, storage.join(folder, "gifs"))
    return related.related_gifs(neighbors_df, searchable, k)
