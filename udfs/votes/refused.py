"""Tags that uploaders refused, as evidence against them."""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

REFUSAL_ODDS = 10.0
"""How much likelier an uploader refuses a wrong tag than a right one. A guess: there were no choices to measure it."""
_MOST = 0.995
"""No chance is so sure that a person's word would change nothing."""


def weigh_refused(voted_df: DataFrame, chosen_df: DataFrame) -> DataFrame:
    """Rows of voted_tags, where those that chosen_df (gif_id, refused) names are weighed anew; editorial ones are not.

    The odds of score and probability are divided by REFUSAL_ODDS, and `reasons` says so where it says anything. A
    refused tag is never accepted. One that the vote would add is only proposed, with confidence 0. Cost: one join.
    """
    refused_df = chosen_df.select("gif_id", F.explode("refused").alias("tag")).distinct()
    joined_df = voted_df.join(refused_df.withColumn("is_named", F.lit(True)), ["gif_id", "tag"], "left")
    is_refused = F.col("is_named").isNotNull() & (F.col("source") != "editorial")
    is_added = is_refused & (F.col("source") == "voted")
    reason = F.create_map(F.lit("refused"), F.lit(round(-math.log(REFUSAL_ODDS), 2)).cast("float"))
    changed = {
        "confidence": F.when(is_added, F.lit(0.0).cast("float")).otherwise(F.col("confidence")),
        "source": F.when(is_added, "proposed").otherwise(F.col("source")),
        "score": F.when(is_refused, _less("score")).otherwise(F.col("score")),
        "probability": F.when(is_refused, _less("probability")).otherwise(F.col("probability")),
        "accepted": F.when(is_refused & F.col("accepted").isNotNull(), False).otherwise(F.col("accepted")),
        "reasons": F.when(is_refused, F.map_concat("reasons", reason)).otherwise(F.col("reasons")),
    }
    return joined_df.withColumns(changed).select(*voted_df.columns)


def _less(name: str) -> Column:
    chance = F.when(F.col(name) > _MOST, _MOST).otherwise(F.col(name))
    return (chance / (chance + (1 - chance) * REFUSAL_ODDS)).cast("float")
