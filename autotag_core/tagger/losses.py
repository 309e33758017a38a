"""What a wrong prediction costs. Each takes logits and soft targets (n, c) and gives the cost of each pair (n, c)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

FOCUS = 2.0
"""gamma of Lin et al. 2017."""
FOCUS_RIGHT, FOCUS_WRONG, MARGIN = 0.0, 4.0, 0.05
"""gamma+, gamma- and m of Ridnik et al. 2021, as published."""


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy."""
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def focal(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy times |target - probability| ** FOCUS: Lin et al. 2017, for soft targets Li et al. 2020."""
    return (targets - logits.sigmoid()).abs() ** FOCUS * cross_entropy(logits, targets)


def asymmetric(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Ridnik et al. 2021: the wrong side counts less the surer it is, and nothing below a probability of MARGIN.

    A soft target is a mixture of both sides.
    """
    chances = logits.sigmoid()
    shifted = (chances - MARGIN).clamp(min=0)
    right = (1 - chances) ** FOCUS_RIGHT * -functional.logsigmoid(logits)
    wrong = shifted**FOCUS_WRONG * -torch.log1p(-shifted.clamp(max=1 - 1e-6))
    return targets * right + (1 - targets) * wrong


LOSSES: dict[str, Loss] = {"bce": cross_entropy, "asymmetric": asymmetric, "focal": focal}


def pair_weights(
    is_known: torch.Tensor, targets: torch.Tensor, unlabeled_weight: float, balanced: bool
) -> torch.Tensor:
    """How much each pair (n, c) counts: unlabeled ones less; with `balanced`, what rare classes have counts more."""
    weights = torch.where(is_known, 1.0, unlabeled_weight)
    if not balanced:
        return weights
    counts = targets.sum(dim=0)
    factors = (counts.mean() / counts.clamp(min=1)).clamp(0.1, 10)  # (c,)
    return weights * (1 + targets * (factors - 1))
