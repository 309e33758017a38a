"""A catalog of real GIFs whose true tags are known: drawn, tagged as people tag, and as broken as files get."""

from autotag_core.drawing.factors import FACTORS, vocabulary
from autotag_core.sample.broken import BROKEN_KINDS, BrokenKind
from autotag_core.sample.catalog import SampleSummary, write_rows, write_sample
from autotag_core.sample.copies import COPY_KINDS, copy_gif
from autotag_core.sample.tagging.uploaders import DEFAULT_RATES, WRONG_KINDS, UploaderRates
from autotag_core.sample.truths import Vocabulary

__all__ = [
    "BROKEN_KINDS",
    "COPY_KINDS",
    "DEFAULT_RATES",
    "FACTORS",
    "WRONG_KINDS",
    "BrokenKind",
    "SampleSummary",
    "UploaderRates",
    "Vocabulary",
    "copy_gif",
    "vocabulary",
    "write_rows",
    "write_sample",
]
