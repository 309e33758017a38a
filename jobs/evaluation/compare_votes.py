"""A release voted anew by other rules or other experts, each measured against a known truth."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.evaluation import Comparison, ablation_json, ablation_text, compare
from autotag_core.splits import TRAIN
from autotag_core.votes import KNOWING_SLIPS, RULES, Judge, evidence_of, fit_judge, fit_weights, published_confidence
from autotag_core.warehouse import RunRecord
from jobs.evaluation.release_evidence import Pairs, Release, Way, gather_pairs, open_release
from udfs.votes.looks import looking_expert


def compare_rules(warehouse: str, record: RunRecord, truth: pa.Table, num_resamples: int = 1000) -> Comparison:
    """Every rule on the release's neighbors, compared with the published one.

    Where the release has copies and its rule knows them, that rule with copies treated in other ways is compared with
    itself.
    """
    release = open_release(warehouse, record, truth)
    rule, seed = release.config.vote.rule, release.config.seed
    ways = {name: release.way_of(name) for name in RULES}
    pairs = {way: gather_pairs(release, way, truth, TRAIN) for way in dict.fromkeys(ways.values())}
    variants = {name: _voted(release, pairs[ways[name]], name) for name in RULES}
    others = _other_ways(release, rule)
    for name, way in others.items():
        variants[name] = _voted(release, gather_pairs(release, way, truth, TRAIN), rule)
    against = dict.fromkeys(others, rule)
    return compare(variants, release.catalog, truth, "published", num_resamples, seed, against)


def _other_ways(release: Release, rule: str) -> dict[str, Way]:
    """By name, the ways to treat copies that the run did not take. Empty without copies, or if the rule knows none."""
    used = release.way_of(rule)
    if release.copies_df is None or rule not in KNOWING_SLIPS:
        return {}
    ways = {}
    for once in (True, False):
        for flow in (True, False):
            counted = "copies count once" if once else "every copy counts"
            ways[f"{rule}, {counted}, {'tags flow' if flow else 'no flow'}"] = Way(used.slips, once, flow)
    return {name: way for name, way in ways.items() if way != used}


def ablate_experts(
    warehouse: str, record: RunRecord, truth: pa.Table, num_resamples: int = 1000
) -> dict[str, Comparison]:
    """By rule: the votes of all experts compared with those without each expert and with each alone.

    The rules are the published one, which is nothing but votes, and vote.rule. InputError for a single expert.
    """
    release = open_release(warehouse, record, truth)
    names = sorted(release.weights)
    if len(names) < 2:
        raise InputError(f"run {record.run_id} has one expert, {', '.join(names)}: there is nothing to leave out")
    chosen = {"all": names}
    chosen |= {f"without {name}": [other for other in names if other != name] for name in names}
    chosen |= {f"{name} alone": [name] for name in names}
    found: dict[str, Comparison] = {}
    for rule in dict.fromkeys(("published", release.config.vote.rule)):
        pairs = gather_pairs(release, release.way_of(rule), truth, TRAIN)
        blind, looking = pairs.without_looks(), looking_expert(release.config)
        variants = {
            variant: _voted(release, pairs if looking in experts else blind, rule, experts)
            for variant, experts in chosen.items()
        }
        if rule == "learned" and pairs.has_looks:
            variants["without looks"] = _voted(release, blind, rule, names)
        found[rule] = compare(variants, release.catalog, truth, "all", num_resamples, release.config.seed)
    return found


def judge_split(warehouse: str, record: RunRecord, truth: pa.Table, split: str) -> pa.Table:
    """(gif_id, tag, score, probability, accepted) of a split's GIFs that the truth names, as if they were train GIFs.

    Test GIFs taught the release nothing and keep their tags, so its tables don't tell what it would say of them. The
    rows are a GIF's own tags and the vote.max_proposed best new ones. An editor's tags are judged like any other.
    """
    release = open_release(warehouse, record, truth)
    rule = release.config.vote.rule
    return judge_known(release, gather_pairs(release, release.way_of(rule), truth, split), rule)


def judge_known(release: Release, pairs: Pairs, rule: str) -> pa.Table:
    """(gif_id, tag, score, probability, accepted) by the rule: own tags and the vote.max_proposed best new ones."""
    config = release.config.vote.model_copy(update={"rule": rule})
    judge = fit_judge(pairs.validation, release.weights, config, release.config.seed, pairs.taught)
    known = pairs.known.sort_by([("gif_id", "ascending"), ("tag", "ascending")])
    evidence = evidence_of(known, sorted(release.weights))
    scores = judge.scores(evidence)
    probabilities = judge.probabilities(evidence, scores)
    accepted = judge.accepts(known["tag"], probabilities)
    new = np.flatnonzero(~evidence.is_own & (scores > 0))
    best = new[np.lexsort((new, -scores[new], evidence.gifs[new]))]
    rank = np.arange(len(best)) - np.searchsorted(evidence.gifs[best], evidence.gifs[best], side="left")
    kept = evidence.is_own.copy()
    kept[best[rank < config.max_proposed]] = True
    return pa.table(
        {
            "gif_id": known["gif_id"],
            "tag": known["tag"],
            "score": scores,
            "probability": pa.array(probabilities, from_pandas=True),
            "accepted": pa.nulls(len(scores), pa.bool_()) if accepted is None else pa.array(accepted),
        }
    ).filter(pa.array(kept))


def ablations_as_text(found: Mapping[str, Comparison]) -> str:
    """Two tables a rule: the measures over all tags, and, if the truth has factors, those on the tags of each."""
    return "\n\n".join(f"By the rule {rule}:\n{ablation_text(comparison)}" for rule, comparison in found.items())


def ablations_as_json(found: Mapping[str, Comparison]) -> str:
    """One JSON object with the comparison of each rule."""
    return json.dumps({rule: json.loads(ablation_json(comparison)) for rule, comparison in found.items()})


def _voted(release: Release, pairs: Pairs, rule: str, experts: list[str] | None = None) -> pa.Table:
    """(gif_id, tag, score) of the known pairs, by the rule and by what these experts teach. None: all experts.

    The published rule also says the confidence. How far another rule would demote a tag is not decided.
    """
    weights = {name: release.weights[name] for name in experts or sorted(release.weights)}
    config = release.config.vote.model_copy(update={"rule": rule})
    judge = Judge(config, fit_weights(pairs.validation, weights, config, pairs.taught))
    evidence = evidence_of(pairs.known, sorted(weights))
    columns = {"gif_id": pairs.known["gif_id"], "tag": pairs.known["tag"], "score": judge.scores(evidence)}
    if rule == "published":
        columns["confidence"] = published_confidence(evidence, judge.weights, config)
    return pa.table(columns)
