"""What editors have decided, in the vote: refused tags are withheld, and decided pairs teach the judge."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.tables import VOTED_TAGS


def withhold_refused(voted_df: DataFrame, decided_df: DataFrame) -> DataFrame:
    """Rows of voted_tags, where those that decided_df (gif_id, refused) names have the source `refused`.

    Their confidence, score and probability are 0 and none is accepted, so nothing publishes them. A refused tag that
    has no row gets one, without votes. Cost: decided_df is broadcast.
    """
    refused_df = decided_df.select("gif_id", F.explode("refused").alias("tag")).distinct()
    marked_df = voted_df.join(F.broadcast(refused_df.withColumn("is_named", F.lit(True))), ["gif_id", "tag"], "left")
    is_refused = F.col("is_named").isNotNull()
    zero = F.lit(0.0).cast("float")
    changed = {name: F.when(is_refused, zero).otherwise(F.col(name)) for name in ("confidence", "score", "probability")}
    changed["source"] = F.when(is_refused, "refused").otherwise(F.col("source"))
    changed["accepted"] = F.when(is_refused & F.col("accepted").isNotNull(), False).otherwise(F.col("accepted"))
    withheld_df = marked_df.withColumns(changed).select(*voted_df.columns)
    missing_df = refused_df.join(voted_df.select("gif_id", "tag"), ["gif_id", "tag"], "left_anti")
    return withheld_df.unionByName(_without_votes(missing_df, voted_df))


def _without_votes(refused_df: DataFrame, voted_df: DataFrame) -> DataFrame:
    kinds = {field.name: field.dataType for field in voted_df.schema}
    values = dict.fromkeys(("confidence", "published_score", "score", "probability"), 0.0) | {"source": "refused"}
    columns = [F.lit(values.get(name)).cast(kinds[name]).alias(name) for name in VOTED_TAGS.schema.names[2:]]
    filled = {"votes": F.create_map(), "evidence": F.array()}
    columns = [
        filled[name].cast(kinds[name]).alias(name) if name in filled else column
        for name, column in zip(VOTED_TAGS.schema.names[2:], columns, strict=True)
    ]
    return refused_df.select("gif_id", "tag", *columns)


def with_refused(copied_df: DataFrame | None, decided_df: DataFrame) -> DataFrame:
    """(gif_id, tag) of copied_df, and the refused tags that their GIF's uploader gave.

    As tags of copies they are no tags of the GIF and vote for nobody, but evidence on them is gathered.
    """
    given_df = decided_df.select("gif_id", F.explode(F.array_intersect("refused", "given")).alias("tag"))
    return given_df if copied_df is None else copied_df.unionByName(given_df)


def decided_pairs(evidence_df: DataFrame, decided_df: DataFrame, num_train: int) -> DataFrame:
    """The evidence on decided pairs as judged_pairs gives it, with is_decided.

    A tag that the uploader gave is an own one, whatever became of it. An accepted new tag is one that its GIF's other
    rows don't have: the GIF itself no longer counts for how common it is, of num_train train GIFs.
    """
    words_df = decided_df.select(
        "gif_id",
        F.explode(
            F.concat(
                F.transform("accepted", lambda tag: F.struct(tag.alias("tag"), F.lit(True).alias("is_right"))),
                F.transform("refused", lambda tag: F.struct(tag.alias("tag"), F.lit(False).alias("is_right"))),
            )
        ).alias("word"),
        "given",
    ).select("gif_id", "word.tag", "word.is_right", F.array_contains("given", F.col("word.tag")).alias("was_given"))
    is_added = F.col("is_right") & ~F.col("was_given")
    itself = F.when(is_added, 1.0 / max(num_train - 1, 1)).otherwise(0.0)
    return (
        evidence_df.join(F.broadcast(words_df), ["gif_id", "tag"])
        .withColumn("is_own", F.col("is_own") | F.col("was_given"))
        .withColumn("is_copied", F.col("is_copied") & ~F.col("was_given"))
        .withColumn("prior", F.greatest(F.col("prior") - itself, F.lit(0.0)))
        .select(*evidence_df.columns, F.lit(False).alias("lacks"), "is_right", F.lit(True).alias("is_decided"))
    )
