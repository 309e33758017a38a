"""Look-ups of similar tags for `autotag labels build`, in tasks and in one process: `python -m benchmarks.spellings`.

Tags are English words in pairs, a tenth of them frequent, the others with a slip or two; nine in ten are no words. Both
ways in turns; what they find is compared first.
"""

from __future__ import annotations

import argparse
import string
import time

import numpy as np

from autotag_core.labels import Lexicon, SimilarTags
from jobs.process.session import spark_session
from udfs.labels.spellings import similar_tags


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    targets, asked = drawn_tags(options.tags)
    spark = spark_session("spellings")
    similar_tags(spark, asked[:100], targets[:100])
    for _ in range(options.repeats):
        start = time.monotonic()
        index = SimilarTags(targets)
        alone = {tag: others for tag in asked if (others := index.look_up(tag))}
        one_process, start = time.monotonic() - start, time.monotonic()
        del index
        tasks = similar_tags(spark, asked, targets)
        in_tasks = time.monotonic() - start
        assert tasks == alone
        ratio = f"{one_process / in_tasks:.2f} times as fast"
        cores = spark.sparkContext.defaultParallelism
        print(
            f"{len(asked)} of {len(targets)}: one process {one_process:.1f} s, {cores} tasks {in_tasks:.1f} s: {ratio}"
        )


def drawn_tags(num: int) -> tuple[list[str], list[str]]:
    """Frequent tags, a tenth of num, and slips of them, the rest."""
    rng = np.random.default_rng(7)
    frequencies = Lexicon().frequencies
    words = sorted(frequencies, key=lambda word: -frequencies[word])[:20_000]
    targets = {" ".join(words[at] for at in rng.integers(0, len(words), rng.integers(1, 3))) for _ in range(num // 10)}
    frequent, slips = sorted(targets), set[str]()
    while len(slips) < num - len(frequent):
        tag = frequent[rng.integers(len(frequent))]
        for _ in range(rng.integers(1, 3)):
            at = rng.integers(max(len(tag), 1))
            letter = string.ascii_lowercase[rng.integers(26)]
            tag = tag[:at] + ("" if rng.random() < 0.3 else letter) + tag[at + int(rng.random() < 0.7) :]
        slips.add(tag.strip() or letter)
    return frequent, sorted(slips)


if __name__ == "__main__":
    main()
