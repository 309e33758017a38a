"""Settings of the vote."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from autotag_core.config.section import Count, PositiveCount, Section, Share


class VoteConfig(Section):
    """How neighbors' tags become votes: the published rule, with the choices that its text leaves open, and the rule
    that scores."""

    rule: Literal["published", "reliability", "learned"] = "learned"
    """Makes `score` and `probability` (autotag_core/votes/judge/rules.py); `confidence` and `source` are always the
    published rule's. `learned` is taught by the editors of validation GIFs; what they are too few for, `reliability`
    judges. docs/findings.md holds what each rule reaches."""
    neighbors: PositiveCount = 10
    """Nearest neighbors that vote by the published rule; the other rules hear all neighbors.k of them."""
    similarity: ClassVar[float] = 12.0
    """b in a neighbor's weight exp(b (cosine - cosine of the nearest)): the larger, the more the nearest count."""
    lift_prior: ClassVar[float] = 0.3
    """Votes expected by chance that an expert's own mean lift counts for in the lift of one tag: what shrinks the lift
    of a rare tag."""
    original_prior: ClassVar[float] = 0.85
    """Share of uploaders' tags that are right, before anything is known of one."""
    from_own_tags: ClassVar[tuple[str, ...]] = ("semantic",)
    """Experts made from a GIF's own tags: they do not judge these, unless validation GIFs show that they can."""
    trained_on_tags: ClassVar[tuple[str, ...]] = ("temporal",)
    """Experts trained on the tags of train GIFs, which they may know by heart, unlike those of validation GIFs. On own
    tags `learned` takes the mean difference from what they say; by `reliability` they count at most a quarter."""
    own_tags_ridge: ClassVar[float] = 100.0
    """By `reliability`: how firmly the factors of evidence on a GIF's own tags stay at their defaults as validation
    GIFs teach them."""
    max_calibration_gifs: ClassVar[int] = 5_000
    """Probabilities are learned on at most so many validation GIFs, in the driver: about 150 rows of 200 bytes each."""
    target_precision: Share | None = None
    """Precision that tags above their threshold reach, tag by tag: `accepted` in voted_tags and in search documents.
    None: no thresholds."""
    min_threshold_examples: PositiveCount = 30
    """Judged rows that must lie above a tag's own threshold; with fewer it takes that of all tags together."""
    max_proposed: Count = 10
    """New tags of a GIF that the scoring rule may propose beside those that the published rule adds."""
    lower_bound: Annotated[float, Field(ge=0)] = 2.0
    """A new tag whose weighted vote (sum over experts of weight times neighbors with the tag) is below this is dropped.
    An original tag keeps its vote however small: the rule confirms it by the vote of one expert, and dropping the vote
    would hide how weak the confirmation was."""
    predicted_tags: ClassVar[int] = 3
    """An expert `predicts` its so many most frequent neighbor tags (ties alphabetical). Few, since among ten neighbors
    some tag that everybody has is nearly always right, and every expert would get the same weight."""
    normalise: Literal["possible", "max"] = "possible"
    """`possible`: over the largest vote that any GIF could get, k times the sum of weights, so that scores compare
    between GIFs. `max`: over the GIF's own largest vote, so that each GIF's best tag has score 1."""
    min_evaluation_gifs: PositiveCount = 50
    """Fewer validation GIFs than this: expert weights come from leave-one-out on train."""
    max_evaluation_gifs: ClassVar[int] = 50_000
    """Expert weights rest on at most so many GIFs: at 50,000 the 95% interval is within 0.005."""
    unconfirmed_confidence: ClassVar[float] = 0.7
    """Confidence of an original tag that no expert voted for, as published."""
