"""What uploaders make of the truth: tags that are missing, wrong, too general, misspelled. And what people look at."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from autotag_core.drawing.factors import FACTORS, Recipe, general_tag, random_of
from autotag_core.sample.tagging.messy import Meaning, reworded
from autotag_core.sample.tagging.slips import misspell
from autotag_core.sample.truths import Vocabulary

MEANINGLESS = ("gif", "funny", "cool", "animated", "my upload", "best")
"""Tags that say nothing and are true of no GIF."""


WRONG_KINDS = ("uniform", "by-use", "meaningless", "mixed")


@dataclass(frozen=True)
class UploaderRates:
    """How often uploaders do what.

    Per true tag, in this order: it is left out with `missing[factor]`; if not, it is replaced by its general tag with
    `too_general` (where it has one); if not, it is misspelled with `misspelled`. Per GIF: with `wrong` one tag that is
    true of other GIFs but not of this one is added, with `meaningless` one of MEANINGLESS. With `editorial` an editor
    has given all true tags and no other. Of the other GIFs, with `reviewed`, reviewers have, and the GIF is on their
    list. Both are right, and the job leaves them untouched. `caption` is the share of GIFs with a caption.
    `wrong_kind`, None or one of WRONG_KINDS, says which wrong tags there are. None: evenly drawn ones and meaningless
    ones; `uniform`: the first alone; `meaningless`: the second alone; `by-use`: drawn as often as GIFs have them;
    `mixed`: half by use and half evenly. `editors_leave_out`, 0..1: share of the true tags that an editor does not
    give; reviewers give all. `vocabulary` says which tags are true of a GIF.
    `copied`, 0..1: for each GIF so many copies of GIFs are uploaded besides, tagged by other uploaders.
    `messy`, 0..1: about so many of the tags are then written in another way, and words and names added (messy.py).

    `editorial` is more than a real catalog has. So 400 GIFs hold the vote.min_evaluation_gifs of the default config,
    and probabilities can be learned.
    """

    missing: dict[str, float] = field(
        default_factory=lambda: {"shown": 0.45, "motion": 0.5, "written": 0.5, "usage": 0.6}
    )
    too_general: float = 0.1
    misspelled: float = 0.06
    wrong: float = 0.2
    meaningless: float = 0.2
    editorial: float = 0.2
    reviewed: float = 0.12
    caption: float = 0.7
    copied: float = 0.0
    messy: float = 0.0
    wrong_kind: str | None = None
    editors_leave_out: float = 0.0
    vocabulary: Vocabulary = field(default_factory=Vocabulary)


@dataclass(frozen=True)
class Upload:
    """What an uploader said about a GIF, and what became of each true tag on the way."""

    tags: list[str]
    editorial_tags: list[str]
    caption: str | None
    popularity: int
    reviewed: bool
    missing: list[str]
    too_general: list[str]
    misspelled: list[str]
    wrong: str | None
    meaningless: str | None
    meanings: dict[str, Meaning]
    """By tag, what each of `tags` means. Empty without rates.messy."""


DEFAULT_RATES = UploaderRates()


def upload_of(recipe: Recipe, rates: UploaderRates = DEFAULT_RATES) -> Upload:
    """The uploader's view of a GIF, a function of the recipe and the rates. Tags are distinct, in random order."""
    rng = random_of(recipe.seed, recipe.index, "uploader")
    truth = rates.vocabulary.tags(recipe)
    said: list[tuple[str, str]] = []  # the word as it is written, and the tag that it is
    missing: list[str] = []
    too_general: list[str] = []
    misspelled: list[str] = []
    by_factor = rates.vocabulary.factor_tags(recipe)
    for factor in FACTORS:
        for tag in by_factor[factor]:
            general = general_tag(tag)
            if rng.random() < rates.missing[factor]:
                missing.append(tag)
            elif general in truth and rng.random() < rates.too_general:
                too_general.append(tag)
                said.append((general, general))
            elif rng.random() < rates.misspelled:
                misspelled.append(tag)
                said.append((misspell(tag, rng), tag))
            else:
                said.append((tag, tag))
    wrong = _wrong_tag(rng, rates, truth) if rng.random() < rates.wrong else None
    meaningless = rng.choice(MEANINGLESS) if rng.random() < rates.meaningless else None
    if rates.wrong_kind == "meaningless":
        wrong = None
    elif rates.wrong_kind is not None:
        meaningless = None
    said += [(tag, tag) for tag in (wrong, meaningless) if tag]
    rng.shuffle(said)
    tag_of = dict(reversed(said))  # of a word that is written twice the first one counts
    meanings = reworded(recipe, {word: tag_of[word] for word, _ in said}, rates.messy) if rates.messy else {}
    edited = rng.random() < rates.editorial
    reviewed = not edited and random_of(recipe.seed, recipe.index, "reviewers").random() < rates.reviewed
    return Upload(
        tags=list(meanings or dict.fromkeys(word for word, _ in said)),
        editorial_tags=_edited(recipe, truth, rates.editors_leave_out) if edited else truth if reviewed else [],
        caption=_caption(recipe, rng) if rng.random() < rates.caption else None,
        popularity=popularity(rng),
        reviewed=reviewed,
        missing=missing,
        too_general=too_general,
        misspelled=misspelled,
        wrong=wrong,
        meaningless=meaningless,
        meanings=meanings,
    )


def _wrong_tag(rng: random.Random, rates: UploaderRates, truth: list[str]) -> str | None:
    """A tag that fits other GIFs but is not true of this one. None where there is none."""
    uses = rates.vocabulary.uses
    others = [tag for tag in uses if tag not in truth]
    if not others:
        return None
    by_use = rates.wrong_kind == "by-use" or (rates.wrong_kind == "mixed" and rng.random() < 0.5)
    return rng.choices(others, [uses[tag] for tag in others])[0] if by_use else rng.choice(others)


def _edited(recipe: Recipe, truth: list[str], leave_out: float) -> list[str]:
    """What the editor of a GIF gives: true tags, at least one where there are any."""
    if not leave_out or not truth:
        return truth
    rng = random_of(recipe.seed, recipe.index, "editor")
    return [tag for tag in truth if rng.random() >= leave_out] or [rng.choice(truth)]


def popularity(rng: random.Random) -> int:
    """Views, 1 to 10 million, with a Pareto tail: 1 in 100 GIFs has about half of all views."""
    return min(int(10 * rng.paretovariate(1.1)) - 9, 10_000_000)


def _caption(recipe: Recipe, rng: random.Random) -> str:
    """A short title, as people write them."""
    place = f" {rng.choice(['at', 'with', 'and'])} {recipe.scene}" if recipe.scene and rng.random() < 0.5 else ""
    return f"{rng.choice(['a', 'my', 'the', 'little'])} {recipe.subject}{place}"
