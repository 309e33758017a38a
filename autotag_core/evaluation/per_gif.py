"""What each GIF adds to the measures, so that means and resamples start from the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotag_core.evaluation.tag_pairs import Bools, Floats, Ints, TagPairs, among, count_each

RECALL_AT = 5


@dataclass(frozen=True)
class PerGif:
    """Counts of the GIFs with at least one true tag, and the original tags of all measured GIFs. See `evaluate`."""

    gifs: Ints  # (n,) their numbers, ascending
    right_at_1: Ints  # (n,) right tags among the first ranked
    right_at_3: Ints
    added_at_1: Ints  # (n,) the same among the tags that the GIF did not have
    added_at_3: Ints
    num_found: Ints  # (n,) missing true tags among the RECALL_AT best added
    num_missing: Ints
    owners: Ints  # (m,) the GIF of each original tag
    scores: Floats
    confidences: Floats  # NaN where unknown
    probabilities: Floats
    is_right: Bools


def per_gif(pairs: TagPairs) -> PerGif:
    """The numbers of each GIF. A tag with score 0 has no vote and is not ranked."""
    gifs, num_true = np.unique(pairs.truth // pairs.num_tags, return_counts=True)
    had = pairs.truth[among(pairs.truth, pairs.original)] // pairs.num_tags
    ranked = pairs.scores > 0
    added = ranked & ~among(pairs.voted, pairs.original)
    scores, confidences, probabilities = _of_originals(pairs)
    return PerGif(
        gifs=gifs,
        right_at_1=_right_among_best(pairs, ranked, 1, gifs),
        right_at_3=_right_among_best(pairs, ranked, 3, gifs),
        added_at_1=_right_among_best(pairs, added, 1, gifs),
        added_at_3=_right_among_best(pairs, added, 3, gifs),
        num_found=_right_among_best(pairs, added, RECALL_AT, gifs),
        num_missing=num_true - count_each(had, gifs),
        owners=pairs.original // pairs.num_tags,
        scores=scores,
        confidences=confidences,
        probabilities=probabilities,
        is_right=among(pairs.original, pairs.truth),
    )


def _right_among_best(pairs: TagPairs, chosen: Bools, k: int, gifs: Ints) -> Ints:
    """For each of `gifs` the number of right tags among the k best of the chosen voted ones."""
    keys, scores = pairs.voted[chosen], pairs.scores[chosen]
    owners = keys // pairs.num_tags
    order = np.lexsort((keys, -scores, owners))
    keys, owners = keys[order], owners[order]
    rank = np.arange(len(keys)) - np.searchsorted(owners, owners, side="left")
    return count_each(owners[(rank < k) & among(keys, pairs.truth)], gifs)


def _of_originals(pairs: TagPairs) -> tuple[Floats, ...]:
    """Score, confidence and probability of each original tag; 0 where it is not among the voted tags."""
    there = among(pairs.original, pairs.voted)
    at = np.searchsorted(pairs.voted, pairs.original[there])
    found = []
    for values in (pairs.scores, pairs.confidences, pairs.probabilities):
        of_originals = np.zeros(len(pairs.original))
        of_originals[there] = values[at]
        found.append(of_originals)
    return tuple(found)
