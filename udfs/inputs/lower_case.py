"""Text in lower case, as Spark's own function has it."""

from __future__ import annotations

import string

from pyspark.sql import Column
from pyspark.sql import functions as F


def lower_case(text: Column) -> Column:
    """The text as F.lower has it. ASCII does not need F.lower, whose first use makes tables of all letters for 3 s."""
    in_ascii = F.translate(text, string.ascii_uppercase, string.ascii_lowercase)
    return F.when(text.rlike(r"^[\x00-\x7F]*\z"), in_ascii).otherwise(F.lower(text))
