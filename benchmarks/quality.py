"""What the votes are worth, on fixed catalogs, against the committed figures:
`python -m benchmarks.quality [NAME ...] [--quick] [--emoji FOLDER] [--set KEY=VALUE] [--keep] [--write]`.

Of each catalog a night with the default settings, then every rule judges its train GIFs against the truth. The kinds
differ in what tells right tags from wrong ones:

- `few`: 57 tags, 3 a GIF, wrong ones drawn evenly. `half`: 68 tags, 5.2 a GIF, half of the wrong ones drawn by use,
  editors leave out a tenth. `many`: 1,600 tags, mostly on one GIF, meaningless ones, editors leave out a fifth.
- `sessions`: the plain sample with its sessions and its list of test GIFs. `emoji`: real GIFs, where --emoji has them.

Prints a table of AUC, added@1, missing@5 (`autotag evaluate`) and ECE by rule, and what changed for the default rule
against the committed outcomes of the same GIFs, with 95% intervals of the paired difference. Exit 1 where a measure of
a catalog, or its mean over all catalogs, is worse by more than that interval. --write puts what was found in place of
what is committed. --keep votes anew on nights that are there already. --set tries a setting of the nights. --quick: one
small catalog in two minutes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.evaluation import evaluate, read_truth, reliability
from autotag_core.warehouse import current_release
from benchmarks.quality_outcomes import (
    MEASURES,
    Change,
    Outcomes,
    change_of,
    differences,
    outcomes_of,
)
from benchmarks.quality_record import PROJECT, RULES, ByRule, committed, shown, write

WORK = PROJECT / ".cache" / "bench" / "quality"
DEFAULT_RULE = VoteConfig().rule
SEEDS = (1, 2, 3)
NUM_GIFS, QUICK_GIFS = 550, 320
KINDS: dict[str, tuple[str, ...]] = {
    "few": ("--wrong", "uniform", "--tags-per-gif", "3", "--vocabulary", "57"),
    "half": ("--wrong", "mixed", "--tags-per-gif", "5.2", "--vocabulary", "68", "--editors-leave-out", "0.1"),
    "many": ("--tags-per-gif", "10", "--vocabulary", "1600", "--editors-leave-out", "0.2"),
    "sessions": (),
}
QUICK = "quick"


@dataclass(frozen=True)
class Drawn:
    """A catalog: its file, its truth, and the settings of its night."""

    catalog: Path
    truth: Path
    settings: tuple[str, ...] = ()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(all_names())}; default all")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--emoji", type=Path, default=PROJECT.parent / "shared" / "data" / "noto_emoji")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    names = [QUICK] if options.quick else options.names or all_names()
    if unknown := [name for name in names if name not in [QUICK, *all_names()]]:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(all_names())}")
    if not (options.emoji / "catalog.jsonl").is_file():
        names = [name for name in names if name != "emoji"]
    if options.settings and options.write:
        parser.error("--set and --write: what is committed is of the default settings")
    found = {name: measured(name, drawn(name, options.emoji, tuple(options.settings)), options.keep) for name in names}
    print(table({name: figures for name, (figures, _) in found.items()}), flush=True)
    changed = all_changes({name: outcomes for name, (_, outcomes) in found.items()})
    print(changes_text(changed))
    if options.write:
        write(found)
    elif any(change.is_loss for by_measure in changed.values() for change in by_measure.values()):
        sys.exit(1)


def all_names() -> list[str]:
    """Every catalog's name."""
    return [*(f"{kind}-{seed}" for kind in KINDS for seed in SEEDS), "emoji"]


def drawn(name: str, emoji: Path, settings: tuple[str, ...] = ()) -> Drawn:
    """The catalog of that name, drawn where it is not there, for a night with these settings beside its own."""
    if name == "emoji":
        return Drawn(emoji / "catalog.jsonl", emoji / "truth.jsonl", settings)
    kind, _, seed = ("half", "", "1") if name == QUICK else name.partition("-")
    folder, num_gifs = WORK / name / "catalog", QUICK_GIFS if name == QUICK else NUM_GIFS
    if not (folder / "catalog.jsonl").is_file():
        command = [sys.executable, "-m", "jobs.commands.app", "sample", "--out", str(folder), "--gifs", str(num_gifs)]
        subprocess.run([*command, "--seed", seed, *KINDS[kind]], check=True, stdout=subprocess.DEVNULL)
    if kind == "sessions":
        settings = (
            *settings,
            f"semantic.sessions={folder / 'sessions.jsonl'}",
            f"catalog.test_list={folder / 'test.txt'}",
        )
    return Drawn(folder / "catalog.jsonl", folder / "truth.jsonl", settings)


def measured(name: str, catalog: Drawn, keep: bool) -> tuple[ByRule, Outcomes]:
    """The figures of each rule on a night of the catalog, and the default rule's outcomes GIF by GIF."""
    from jobs.evaluation.compare_votes import judge_known
    from jobs.evaluation.release_evidence import gather_pairs, open_release

    warehouse = WORK / name / "warehouse"
    if not (keep and warehouse.exists()):
        shutil.rmtree(warehouse, ignore_errors=True)
        words = [word for setting in catalog.settings for word in ("--set", setting)]
        command = [sys.executable, "-m", "jobs.commands.app", "nightly", "--catalog", str(catalog.catalog)]
        log = WORK / name / "night.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file:
            subprocess.run([*command, "--warehouse", str(warehouse), *words], check=True, stdout=file, stderr=file)
    truth = read_truth(str(catalog.truth))
    release = open_release(str(warehouse), current_release(str(warehouse)), truth)
    figures, outcomes = {}, None
    pairs = {way: gather_pairs(release, way, truth, "train") for way in {release.way_of(rule) for rule in RULES}}
    for rule in RULES:
        voted = judge_known(release, pairs[release.way_of(rule)], rule)
        figures[rule] = _figures(voted, release.catalog, truth)
        if rule == DEFAULT_RULE:
            outcomes = outcomes_of(voted, release.catalog, truth)
    assert outcomes is not None
    return figures, outcomes


def _figures(voted: pa.Table, catalog: pa.Table, truth: pa.Table) -> dict[str, float | None]:
    overall = evaluate(voted, catalog, truth).overall
    return {
        "auc": overall.auc,
        "added_at_1": overall.added_at_1,
        "missing_recall_at_5": overall.missing_recall_at_5,
        "ece": reliability(voted, catalog, truth).ece,
    }


def all_changes(found: dict[str, Outcomes]) -> dict[str, dict[str, Change]]:
    """By catalog that has committed outcomes, and of their mean, what changed in each measure."""
    resampled = {name: differences(known, now) for name, now in found.items() if (known := committed(name)) is not None}
    changed = {name: {key: change_of(row[key]) for key in MEASURES} for name, row in resampled.items()}
    if len(resampled) > 1:
        means = {key: np.mean([row[key] for row in resampled.values()], axis=0) for key in MEASURES}
        changed["mean"] = {key: change_of(mean) for key, mean in means.items()}
    return changed


def table(found: dict[str, ByRule]) -> str:
    """A line for each catalog and rule, then the means."""
    lines = [f"{'catalog':<12} {'rule':<12} {'AUC':>6} {'added@1':>8} {'missing@5':>10} {'ECE':>6}"]
    for name, by_rule in found.items():
        lines += [_line(name, rule, list(row.values())) for rule, row in by_rule.items()]
    for rule in RULES:
        columns = zip(*(by_rule[rule].values() for by_rule in found.values()), strict=True)
        known = [[value for value in column if value is not None] for column in columns]
        lines.append(_line("mean", rule, [float(np.mean(values)) if values else None for values in known]))
    return "\n".join(lines)


def _line(name: str, rule: str, row: list[float | None]) -> str:
    auc, added, missing, ece = map(shown, row)
    return f"{name:<12} {rule:<12} {auc:>6} {added:>8} {missing:>10} {ece:>6}"


def changes_text(changed: dict[str, dict[str, Change]]) -> str:
    """A line for each catalog that has committed outcomes."""
    if not changed:
        return "nothing is committed of these catalogs: --write does"
    lines = [f"{DEFAULT_RULE} against the committed outcomes, difference [95% interval]:"]
    for name, by_measure in changed.items():
        cells = (f"{MEASURES[key]} {change.text()}" for key, change in by_measure.items())
        lines.append(f"{name:<12} {'  '.join(cells)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
