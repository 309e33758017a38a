"""How right voted tags are, measured against a known truth."""

from autotag_core.evaluation.comparison import Comparison, Difference, ablation_json, ablation_text, compare
from autotag_core.evaluation.probabilities import Reliability, reliability
from autotag_core.evaluation.quality import Evaluation, Quality, area_under_curve, evaluate
from autotag_core.evaluation.truth import read_truth

__all__ = [
    "Comparison",
    "Difference",
    "Evaluation",
    "Quality",
    "Reliability",
    "ablation_json",
    "ablation_text",
    "area_under_curve",
    "compare",
    "evaluate",
    "read_truth",
    "reliability",
]
