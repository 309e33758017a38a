"""What a sample GIF truly is: one value of each of four factors, drawn independently of the others."""

from __future__ import annotations

import random
from dataclasses import dataclass

SUBJECTS: dict[str, str] = {
    "cat": "animal",
    "fish": "animal",
    "bird": "animal",
    "butterfly": "animal",
    "car": "vehicle",
    "sailboat": "vehicle",
    "rocket": "vehicle",
    "bicycle": "vehicle",
    "tree": "plant",
    "flower": "plant",
    "mushroom": "plant",
    "cactus": "plant",
    "pizza": "food",
    "coffee": "food",
    "ice cream": "food",
    "burger": "food",
    "house": "building",
    "lighthouse": "building",
    "heart": "symbol",
    "star": "symbol",
    "balloon": "toy",
    "teddy bear": "toy",
    "umbrella": "household",
    "clock": "household",
}
"""Shown: the thing drawn, and the general tag that is also true of it."""

SCENES: tuple[str | None, ...] = (None, None, None, None, "night", "sea", "snow", "city", "party", "desert")
"""Shown: where the thing is. None is a plain or patterned background, which has no tag."""

MOTIONS: dict[str, tuple[str, str, str]] = {
    "size": ("growing", "shrinking", "pulsing"),
    "opacity": ("fading in", "fading out", "blinking"),
    "height": ("rising", "falling", "bouncing"),
    "side": ("left to right", "right to left", "back and forth"),
    "turn": ("clockwise", "counterclockwise", "swinging"),
    "number": ("multiplying", "dwindling", "coming and going"),
}
"""Motion: what changes, and its tags when the same states play forward, backward, and there and back."""

WORDS: dict[str, tuple[str, ...]] = {
    "lol": ("LOL", "lol", "LOLOL", "haha LOL"),
    "omg": ("OMG", "omg!", "Oh my God", "OMG!!!"),
    "happy birthday": ("HAPPY BIRTHDAY", "Happy Birthday!", "it's your birthday", "birthday wishes"),
    "thank you": ("THANK YOU", "Thanks!", "thank you so much", "many thanks"),
    "hello": ("HELLO", "Hello there", "hi, hello!", "HELLO!"),
    "good night": ("GOOD NIGHT", "Good night!", "sleep well", "nighty night"),
    "love you": ("LOVE YOU", "I love you", "love you so much", "LOVE U"),
    "sorry": ("SORRY", "I'm sorry", "so sorry!", "my apologies"),
    "congrats": ("CONGRATS", "Congratulations", "congrats!!", "well done"),
    "wow": ("WOW", "wow!", "WOOOW", "wow wow wow"),
    "good luck": ("GOOD LUCK", "Good luck!", "fingers crossed", "best of luck"),
    "please": ("PLEASE", "pretty please", "please please", "Please!!"),
}
"""Written: the tag, and the words that may stand in the GIF for it."""

USAGES: dict[str, str] = {
    "agree": "reaction",
    "facepalm": "reaction",
    "shocked": "reaction",
    "applause": "reaction",
    "monday": "occasion",
    "weekend": "occasion",
    "wedding": "occasion",
    "graduation": "occasion",
    "office": "everyday",
    "gaming": "everyday",
    "cooking": "everyday",
    "workout": "everyday",
}
"""Usage: what people send the GIF for, and the general tag. The pixels show nothing of it."""

FACTORS = ("shown", "motion", "written", "usage")

STILL_SHARE = 0.03
"""Share of GIFs of one frame, without a motion tag."""
WRITTEN_SHARE = 0.35
"""Share of GIFs with words in them."""
MIN_FRAMES, MAX_FRAMES = 10, 24
"""Frames: the smaller of two even draws from this range. Short GIFs are more common; half have at most about 16."""


@dataclass(frozen=True)
class Recipe:
    """The true factors of one GIF. The same `seed` and `index` always give the same recipe."""

    seed: int
    index: int
    subject: str
    scene: str | None
    change: str | None
    """A key of MOTIONS; None for a still."""
    order: int
    """0 forward, 1 backward, 2 there and back."""
    num_frames: int
    phrase: str | None
    word: str | None
    usage: str

    @property
    def gif_id(self) -> str:
        """The catalog's key."""
        return gif_id(self.index)

    @property
    def uri(self) -> str:
        """Relative to the catalog file. There are 256 folders, so that no folder and no S3 prefix holds all."""
        return f"gifs/{self.index % 256:02x}/{self.gif_id}.gif"

    def factor_tags(self) -> dict[str, list[str]]:
        """True tags by factor, each specific one before its general one."""
        shown = [self.subject, SUBJECTS[self.subject]] + ([self.scene] if self.scene else [])
        return {
            "shown": shown,
            "motion": [MOTIONS[self.change][self.order]] if self.change else [],
            "written": [self.word] if self.word else [],
            "usage": [self.usage, USAGES[self.usage]],
        }

    def tags(self) -> list[str]:
        """All true tags, by factor in the order of FACTORS."""
        by_factor = self.factor_tags()
        return [tag for factor in FACTORS for tag in by_factor[factor]]


def gif_id(index: int) -> str:
    """The catalog's key of GIF number `index`."""
    return f"gif-{index:07d}"


def random_of(seed: int, index: int, purpose: str) -> random.Random:
    """A generator for each purpose, so that a change of one drawing or rate leaves everything else as it was."""
    return random.Random(f"{seed}:{index}:{purpose}")


def recipe_of(seed: int, index: int) -> Recipe:
    """The true factors of GIF number `index`, a function of (seed, index) alone."""
    rng = random_of(seed, index, "recipe")
    subject = rng.choice(list(SUBJECTS))
    scene = rng.choice(SCENES)
    change = rng.choice(list(MOTIONS))
    order = rng.randrange(3)
    num_frames = min(rng.randint(MIN_FRAMES, MAX_FRAMES) for _ in range(2))
    word = rng.choice(list(WORDS))
    phrase = rng.choice(WORDS[word])
    usage = rng.choice(list(USAGES))
    still = rng.random() < STILL_SHARE
    written = rng.random() < WRITTEN_SHARE
    return Recipe(
        seed=seed,
        index=index,
        subject=subject,
        scene=scene,
        change=None if still else change,
        order=0 if still else order,
        num_frames=1 if still else num_frames,
        phrase=phrase if written else None,
        word=word if written else None,
        usage=usage,
    )


def general_tag(tag: str) -> str | None:
    """The general tag that a lazy uploader gives instead of this one. None where there is none."""
    return SUBJECTS.get(tag) or USAGES.get(tag)


def vocabulary() -> dict[str, list[str]]:
    """Every true tag, by factor, each list sorted."""
    return {
        "shown": sorted({*SUBJECTS, *SUBJECTS.values(), *(scene for scene in SCENES if scene)}),
        "motion": sorted(tag for tags in MOTIONS.values() for tag in tags),
        "written": sorted(WORDS),
        "usage": sorted({*USAGES, *USAGES.values()}),
    }
