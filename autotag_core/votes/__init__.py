"""Evidence on a (GIF, tag) pair in; a score out, the chance that the tag is right, and whether that is enough.

Loading this needs neither scikit-learn nor numba. Fitting a calibration needs scikit-learn, counting votes numba.
"""

from autotag_core.votes.evidence.evidence import SHARE_UNIT, Evidence, ExpertEvidence, evidence_of, evidence_schema
from autotag_core.votes.judge.calibration import Calibration, fit_calibration
from autotag_core.votes.judge.curves import Curve
from autotag_core.votes.judge.judge import Judge, fit_judge, fit_weights
from autotag_core.votes.judge.own_tags import default_weights, fit_own_tags
from autotag_core.votes.judge.reliability import Bin, expected_calibration_error, reliability_table
from autotag_core.votes.judge.rules import KNOWING_SLIPS, RULES, ExpertWeight, Weights, published_confidence
from autotag_core.votes.judge.thresholds import NEVER, TagThreshold, Thresholds, fit_thresholds
from autotag_core.votes.statistics.tag_statistics import (
    COUNTS,
    SEEN,
    TagStatistics,
    count_tags,
    open_statistics,
    see_own_tags,
    write_counts,
    write_lifts,
)
from autotag_core.votes.tally.gif_batches import ABOUT, PUBLISHED, block_of, gif_blocks
from autotag_core.votes.tally.misspellings import MAX_SHARE, MIN_COUNT, MIN_LENGTH, is_slip
from autotag_core.votes.tally.tag_table import TagTable, open_tag_table, strings_of, write_tag_table

__all__ = [
    "ABOUT",
    "COUNTS",
    "KNOWING_SLIPS",
    "MAX_SHARE",
    "MIN_COUNT",
    "MIN_LENGTH",
    "NEVER",
    "PUBLISHED",
    "RULES",
    "SEEN",
    "SHARE_UNIT",
    "Bin",
    "Calibration",
    "Curve",
    "Evidence",
    "ExpertEvidence",
    "ExpertWeight",
    "Judge",
    "TagStatistics",
    "TagTable",
    "TagThreshold",
    "Thresholds",
    "Weights",
    "block_of",
    "count_tags",
    "default_weights",
    "evidence_of",
    "evidence_schema",
    "expected_calibration_error",
    "fit_calibration",
    "fit_judge",
    "fit_own_tags",
    "fit_thresholds",
    "fit_weights",
    "gif_blocks",
    "is_slip",
    "open_statistics",
    "open_tag_table",
    "published_confidence",
    "reliability_table",
    "see_own_tags",
    "strings_of",
    "write_counts",
    "write_lifts",
    "write_tag_table",
]
