"""Text in lower case: what Spark's own function gives."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from udfs.inputs.lower_case import lower_case


@pytest.mark.parametrize(
    "text", ["Good\nLUCK!\n", "", "AZaz09[@`{", None, "ÄRGER OVER", "ΣΑΣ", "İI", "\u212a", "\x7fA\x80"]
)
def test_a_text_is_as_sparks_lower_has_it(spark: SparkSession, text: str | None) -> None:
    text_df = spark.createDataFrame([(text,)], "text string")

    found = text_df.select(lower_case(F.col("text")), F.lower("text")).first()

    assert found is not None
    assert found[0] == found[1]


def test_ascii_is_in_lower_case(spark: SparkSession) -> None:
    text_df = spark.createDataFrame([("Good\nLUCK, AZ!",)], "text string")

    assert text_df.select(lower_case(F.col("text"))).first() == ("good\nluck, az!",)
