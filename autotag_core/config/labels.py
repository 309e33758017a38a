"""Settings of the vocabulary."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from autotag_core.config.section import PositiveCount, Section


class LabelsConfig(Section):
    """How raw tags become a vocabulary of labels (`autotag labels`)."""

    max_labels: PositiveCount = 2500
    """Labels that are kept, the most popular: what an editor can read in a day or two, and most of what is searched."""
    min_gifs: PositiveCount = 3
    """A label on fewer GIFs is left out, and no tag on fewer is taken for the right spelling of another."""
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2}$")], ...] = ("es", "pt", "fr", "de", "it", "nl")
    """Languages, besides English, that tags are likely in (ISO 639-1). Few: with each, a short English word is taken
    for foreign more easily. Tags in other scripts than Latin are foreign without a list."""
    language_confidence: ClassVar[float] = 0.8
    """From so much on a tag is foreign: what is thrown out by mistake is lost to search, what stays costs little."""
    language_context: ClassVar[float] = 4.0
    """Log odds that the tags on the same GIFs give at most, all English or all foreign."""
    spelling_odds: ClassVar[float] = 3.0
    """Log odds from which a tag is a misspelling of another one: 3 is twenty to one."""
    agreement: ClassVar[float] = 0.3
    """Cosine in the catalog's tag space from which two tags are used alike."""
    synonyms: ClassVar[float] = 0.68
    """Cosine of meaning (all-MiniLM-L6-v2) from which two words are synonyms, if the catalog uses them alike."""
    together: ClassVar[float] = 0.3
    """Of the rarer tag's GIFs, the share that also have the other one up to which two words can be synonyms: who writes
    one of them seldom writes the other, but who writes `happy` often writes `birthday`."""
    max_tags_per_gif: ClassVar[int] = 30
    """Tags of a GIF, the first ones, that are looked at as each other's context: pairs grow with the square."""
    max_contexts: ClassVar[int] = 200
    """Tags beside a tag that are remembered, the most frequent: 8 bytes each in the driver."""
