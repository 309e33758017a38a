"""How many validation GIFs it takes to judge by what they teach: `python -m benchmarks.quality_curve [NAME ...]`.

On nights that `make bench-quality` has left: both rules learn from 10, 20, ... of the validation GIFs, drawn four
times, and judge the train GIFs. A line a number of GIFs, means over the catalogs that have so many.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.evaluation import evaluate, read_truth
from autotag_core.votes import Judge, evidence_of, fit_weights
from autotag_core.warehouse import current_release
from benchmarks.quality import PROJECT, WORK, all_names, drawn
from jobs.evaluation.release_evidence import Pairs, Release, gather_pairs, open_release

NUMBERS = (10, 20, 30, 50, 75, 100)
DRAWS = (0, 1, 2, 3)
RULES = ("reliability", "learned")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--emoji", type=Path, default=PROJECT.parent / "shared" / "data" / "noto_emoji")
    options = parser.parse_args()
    names = options.names or [name for name in all_names() if (WORK / name / "warehouse").exists()]
    found: dict[tuple[int, str], list[list[float]]] = {}
    for name in names:
        truth = read_truth(str(drawn(name, options.emoji).truth))
        warehouse = str(WORK / name / "warehouse")
        release = open_release(warehouse, current_release(warehouse), truth)
        pairs = gather_pairs(release, release.way_of("learned"), truth, "train")
        for key, row in by_number(release, pairs, truth):
            found.setdefault(key, []).append(row)
    print(f"{'GIFs':>5} {'rule':<12} {'AUC':>6} {'added@1':>8} {'missing@5':>10} {'catalogs':>9}")
    for (number, rule), rows in sorted(found.items()):
        auc, added, missing = np.mean(rows, axis=0)
        print(f"{number:>5} {rule:<12} {auc:>6.3f} {added:>8.3f} {missing:>10.3f} {len(rows) // len(DRAWS):>9}")


def by_number(release: Release, pairs: Pairs, truth: pa.Table) -> list[tuple[tuple[int, str], list[float]]]:
    """(number of GIFs, rule) with AUC, added@1 and missing@5, for each draw of so many validation GIFs."""
    if pairs.validation is None:
        return []
    ids = pc.unique(pairs.validation["gif_id"]).sort()
    evidence, rows = evidence_of(pairs.known, sorted(release.weights)), []
    for number in (one for one in NUMBERS if one <= len(ids)):
        for draw in DRAWS:
            kept = ids.take(pa.array(np.random.default_rng(draw).permutation(len(ids))[:number]))
            some = pairs.validation.filter(pc.is_in(pairs.validation["gif_id"], kept))
            for rule in RULES:
                config = release.config.vote.model_copy(update={"rule": rule, "min_evaluation_gifs": 1})
                judge = Judge(config, fit_weights(some, release.weights, config, pairs.taught))
                columns = {"gif_id": pairs.known["gif_id"], "tag": pairs.known["tag"]}
                voted = pa.table(columns | {"score": judge.scores(evidence)})
                overall = evaluate(voted, release.catalog, truth).overall
                measures = (overall.auc, overall.added_at_1, overall.missing_recall_at_5)
                rows.append(((number, rule), [float(value or 0.0) for value in measures]))
    return rows


if __name__ == "__main__":
    main()
