"""Evidence gathered from six GIFs, each number worked by hand."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from autotag_core.config import VoteConfig
from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.votes import (
    ExpertWeight,
    default_weights,
    evidence_of,
    evidence_schema,
    fit_judge,
    published_confidence,
)
from autotag_core.votes.judge.judge import Judge
from udfs.votes.ballots import Ballots, about_rows
from udfs.votes.evidence import gather_evidence, judged_pairs
from udfs.votes.misspellings import slips
from udfs.votes.tag_tables import write_statistics, write_tags
from udfs.votes.votes import vote_tags

Gif = tuple[str, str, list[str], list[str]]
EXPERTS = ["x", "y"]
CONFIG = VoteConfig(neighbors=2).model_copy(update={"similarity": 2 * math.log(2)})
"""A neighbor half a unit further than the nearest weighs half as much."""
GIFS: list[Gif] = [
    ("a", TRAIN, ["cat", "kitten"], []),
    ("b", TRAIN, ["cat"], ["kitten"]),
    ("c", TRAIN, ["cat"], []),
    ("d", TRAIN, ["dog", "kittne"], []),
    ("e", TRAIN, ["dog"], []),
    ("f", TRAIN, ["fish"], []),
    ("v", VALIDATION, ["cat", "kitten", "bird"], ["dog"]),
]
LISTS = [
    ("a", "x", ["b", "c", "d"], [0.25, 0.75, 1.25]),  # weights 1, 1/2, 1/4 of 7/4
    ("b", "x", ["a", "d"], [0.25, 0.25]),
    ("d", "x", ["b", "e"], [0.25, 0.75]),  # weights 1, 1/2 of 3/2
    ("e", "x", [], []),
    ("v", "x", ["a", "e"], [0.5, 1.0]),
    ("v", "y", ["d", "c"], [0.0, 0.0]),
    ("a", "unweighed", ["f"], [0.0]),
]
COPIED = [("c", "kittne"), ("c", "unheard"), ("a", "dog"), ("b", "cat"), ("d", "kitten")]
Rows = dict[tuple[str, str], dict[str, Any]]


def catalog(spark: SparkSession, gifs: Sequence[Gif]) -> DataFrame:
    return spark.createDataFrame(
        list(gifs), "gif_id string, split string, tags array<string>, editorial_tags array<string>"
    )


class Vote:
    """What the vote needs of GIFS and LISTS, from tables in so many partitions; its files are in the folder."""

    def __init__(
        self,
        spark: SparkSession,
        folder: str,
        parts: int = 1,
        *,
        gifs: Sequence[Gif] = GIFS,
        lists: Sequence[Any] = LISTS,
        config: VoteConfig = CONFIG,
        slip_rows: Sequence[tuple[str, str]] = (("kittne", "kitten"),),
        copied: Sequence[tuple[str, str]] | None = COPIED,
    ) -> None:
        schema = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
        self.config = config
        self.catalog_df = catalog(spark, gifs).repartition(parts)
        neighbors_df = spark.createDataFrame(list(lists), schema).repartition(parts)
        slips_df = spark.createDataFrame(list(slip_rows), "tag string, meant string") if slip_rows else None
        copied_df = None if copied is None else spark.createDataFrame(list(copied), "gif_id string, tag string")
        about_df = about_rows(self.catalog_df, copied_df)
        self.ballots = Ballots(neighbors_df, about_df, write_tags(about_df, slips_df, folder))
        self.statistics = write_statistics(self.ballots, EXPERTS, config, folder)

    def evidence_df(self, chosen_df: DataFrame | None = None) -> DataFrame:
        chosen_df = self.catalog_df if chosen_df is None else chosen_df
        return gather_evidence(self.ballots, chosen_df, self.statistics, self.config)

    def voted(self, judge: Judge) -> dict[tuple[str, str], Any]:
        rows = vote_tags(self.ballots, self.statistics, judge).collect()
        return {(row["gif_id"], row["tag"]): row for row in rows}


def gathered(spark: SparkSession, parts: int, copied: bool = True) -> Rows:
    """gather_evidence by (gif_id, tag)."""
    with tempfile.TemporaryDirectory() as folder:
        return by_pair(Vote(spark, folder, parts, copied=COPIED if copied else None).evidence_df())


def by_pair(rows_df: DataFrame) -> Rows:
    rows = rows_df.collect()
    found = {(row["gif_id"], row["tag"]): row.asDict() for row in rows}
    assert len(found) == len(rows), "a pair has one row"
    return found


@pytest.fixture(scope="module")
def evidence(spark: SparkSession) -> Rows:
    return gathered(spark, 1)


def used(**numbers: int) -> list[Gif]:
    """For each tag so many train GIFs that have it alone."""
    return [(f"{tag}{number}", TRAIN, [tag], []) for tag, num in numbers.items() for number in range(num)]


def found_slips(spark: SparkSession, gifs: Sequence[Gif]) -> set[tuple[str, str]]:
    return {(row["tag"], row["meant"]) for row in slips(catalog(spark, gifs)).collect()}


def test_slips_are_rare_tags_a_slip_away_from_a_used_one_the_most_used_first(spark: SparkSession) -> None:
    gifs = used(tiger=2, tigrey=3, horse=2, horsey=2, sunny=2, dog=2, party=1, twice=2, twiice=2)
    # tigre: one letter left out of tigrey (3) or swapped in tiger (2); hosre and horsee: horse; parrty: used once only
    rare = ["tigre", "hosre", "horsee", "sunnys", "dgo", "parrty", "sumny", "näive"]
    gifs += [(f"rare {tag}", TRAIN, [tag], []) for tag in rare]
    gifs += [("n1", TRAIN, ["naïve"], []), ("n2", TRAIN, [], ["naïve"]), ("n3", TRAIN, ["naïev"], [])]
    assert found_slips(spark, gifs) == {
        ("tigre", "tigrey"),
        ("hosre", "horse"),
        ("horsee", "horse"),
        ("naïev", "naïve"),
    }


def test_a_slip_that_others_made_too_is_one_where_what_it_meant_is_a_hundred_times_as_frequent(
    spark: SparkSession,
) -> None:
    assert found_slips(spark, used(animal=200, anmial=2)) == {("anmial", "animal")}
    assert found_slips(spark, used(animal=200, anmial=3)) == set()


def test_slips_of_validation_and_test_gifs_are_found_and_what_their_editors_say_is_not_looked_at(
    spark: SparkSession,
) -> None:
    gifs: list[Gif] = [*used(kitten=2, brid=1), ("v", VALIDATION, ["kittne", "bird"], ["kittne", "brid"])]
    gifs.append(("t", "test", ["bird", "kittten"], ["kittne"]))
    assert found_slips(spark, gifs) == {("kittne", "kitten"), ("kittten", "kitten"), ("brid", "bird")}


def test_the_singular_and_a_word_with_another_first_letter_are_words_and_no_slips(spark: SparkSession) -> None:
    assert found_slips(spark, used(block=9, lock=1, horns=9, horn=1, horse=9, horses=1)) == set()


def test_shares_are_weights_by_distance_and_votes_are_the_nearest(evidence: Rows) -> None:
    shares = {
        pair: tuple(value for name in EXPERTS for value in (round(row[f"share_{name}"] or 0, 6), row[f"votes_{name}"]))
        for pair, row in evidence.items()
    }
    assert {pair: found for pair, found in shares.items() if any(found)} == {
        ("a", "cat"): (round(6 / 7, 6), 2, 0, 0),
        ("a", "kitten"): (round(5 / 7, 6), 1, 0, 0),  # d wrote kittne, and is the third neighbor of two that vote
        ("a", "dog"): (round(1 / 7, 6), 0, 0, 0),
        ("b", "cat"): (0.5, 1, 0, 0),
        ("b", "kitten"): (1.0, 2, 0, 0),
        ("b", "dog"): (0.5, 1, 0, 0),
        ("d", "cat"): (round(2 / 3, 6), 1, 0, 0),
        ("d", "kitten"): (round(2 / 3, 6), 1, 0, 0),
        ("d", "kittne"): (round(2 / 3, 6), 1, 0, 0),  # what it looks like
        ("d", "dog"): (round(1 / 3, 6), 1, 0, 0),
        ("v", "cat"): (round(2 / 3, 6), 1, 0.5, 1),
        ("v", "kitten"): (round(2 / 3, 6), 1, 0.5, 1),
        ("v", "dog"): (round(1 / 3, 6), 1, 0.5, 1),
    }


def test_every_tag_of_a_gif_of_its_neighbors_and_of_its_copies_has_a_row_and_is_what_it_is(evidence: Rows) -> None:
    flags = ("is_own", "is_slip", "is_correction", "is_copied", "is_editorial")
    assert {pair: {flag for flag in flags if row[flag]} for pair, row in evidence.items()} == {
        ("a", "cat"): {"is_own"},
        ("a", "kitten"): {"is_own"},
        ("a", "dog"): {"is_copied"},
        ("b", "cat"): {"is_own"},
        ("b", "kitten"): {"is_editorial"},
        ("b", "dog"): set(),
        ("c", "cat"): {"is_own"},
        ("c", "kitten"): {"is_copied"},  # its copy wrote kittne
        ("c", "unheard"): {"is_copied"},
        ("d", "dog"): {"is_own"},
        ("d", "kittne"): {"is_own", "is_slip"},
        ("d", "kitten"): {"is_correction", "is_copied"},
        ("d", "cat"): set(),
        ("e", "dog"): {"is_own"},
        ("f", "fish"): {"is_own"},
        ("v", "cat"): {"is_own"},
        ("v", "kitten"): {"is_own"},
        ("v", "bird"): {"is_own"},
        ("v", "dog"): {"is_editorial"},
    }


def test_the_prior_is_the_share_of_other_train_gifs_with_the_tag(evidence: Rows) -> None:
    priors = {pair: row["prior"] for pair, row in evidence.items()}
    assert {pair: priors[pair] for pair in priors if pair[0] in "acdfv"} == {
        ("a", "cat"): 2 / 5,
        ("a", "kitten"): 2 / 5,
        ("a", "dog"): 2 / 5,
        ("c", "cat"): 2 / 5,
        ("c", "kitten"): 3 / 5,
        ("c", "unheard"): 0.0,
        ("d", "dog"): 1 / 5,
        ("d", "kittne"): 2 / 5,
        ("d", "kitten"): 2 / 5,
        ("d", "cat"): 3 / 5,
        ("f", "fish"): 0.0,
        ("v", "cat"): 3 / 6,
        ("v", "kitten"): 3 / 6,
        ("v", "bird"): 0.0,
        ("v", "dog"): 2 / 6,
    }


def test_an_expert_that_abstains_has_no_share_and_a_spread_is_the_effective_number_of_neighbors(evidence: Rows) -> None:
    said = {pair: (row["share_x"], row["spread_x"], row["share_y"], row["spread_y"]) for pair, row in evidence.items()}
    assert said["a", "cat"][:2] == pytest.approx((6 / 7, (7 / 4) ** 2 / (21 / 16)), rel=1e-6)
    assert said["a", "cat"][2:] == (None, 0.0)
    assert said["v", "dog"] == pytest.approx((1 / 3, (3 / 2) ** 2 / (5 / 4), 0.5, 2.0), rel=1e-6)
    assert said["v", "bird"] == pytest.approx((0.0, (3 / 2) ** 2 / (5 / 4), 0.0, 2.0))
    for pair in (("c", "cat"), ("c", "kitten"), ("e", "dog"), ("f", "fish")):
        assert said[pair] == (None, 0.0, None, 0.0)


def test_a_lift_is_seen_over_expected_shrunk_to_the_experts_mean(evidence: Rows) -> None:
    """x: cat is seen at a and b, kitten at a and d, dog at d; y has neighbors of no train GIF."""
    cat, kitten, dog = 6 / 7 + 1 / 2, 5 / 7 + 2 / 3, 1 / 3
    mean = (cat + kitten) / (2 * 0.4 + 2 * 0.4)  # dog has one GIF with neighbors
    m = CONFIG.lift_prior
    lifts = {pair: (row["lift_x"], row["lift_y"]) for pair, row in evidence.items() if pair[0] in "cev"}
    of_cat, of_kitten = (cat + m * mean) / (0.8 + m), (kitten + m * mean) / (0.8 + m)
    assert lifts == {
        ("c", "cat"): pytest.approx((of_cat, 1.0), rel=1e-6),  # x has no neighbors of c: it adds nothing
        ("c", "kitten"): pytest.approx((of_kitten, 1.0), rel=1e-6),
        ("c", "unheard"): pytest.approx((mean, 1.0), rel=1e-6),
        ("e", "dog"): pytest.approx(((dog + m * mean) / (0.2 + m), 1.0), rel=1e-6),
        ("v", "cat"): pytest.approx((of_cat, 1.0), rel=1e-6),
        ("v", "kitten"): pytest.approx((of_kitten, 1.0), rel=1e-6),
        ("v", "bird"): pytest.approx((mean, 1.0), rel=1e-6),
        ("v", "dog"): pytest.approx(((dog + m * mean) / (0.2 + m), 1.0), rel=1e-6),
    }


def test_a_lift_of_a_train_gifs_own_tag_is_that_of_the_other_gifs_as_a_validation_gifs_is(evidence: Rows) -> None:
    mean = (6 / 7 + 1 / 2 + 5 / 7 + 2 / 3) / (4 * 0.4)
    m = CONFIG.lift_prior
    lifts = {pair: row["lift_x"] for pair, row in evidence.items()}
    assert lifts["a", "cat"] == pytest.approx((1 / 2 + m * mean) / (0.4 + m), rel=1e-6)
    assert lifts["b", "cat"] == pytest.approx((6 / 7 + m * mean) / (0.4 + m), rel=1e-6)
    assert lifts["a", "kitten"] == pytest.approx((2 / 3 + m * mean) / (0.4 + m), rel=1e-6)
    assert lifts["d", "kittne"] == lifts["d", "kitten"] == pytest.approx((5 / 7 + m * mean) / (0.4 + m), rel=1e-6)
    assert lifts["d", "dog"] == lifts["f", "fish"] == pytest.approx(mean, rel=1e-6)
    assert lifts["a", "dog"] == lifts["v", "dog"], "a has it from a copy alone"
    taught = {pair for pair, row in evidence.items() if row["is_taught"]}
    own = {pair for pair, row in evidence.items() if row["is_own"] or row["is_correction"]}
    assert taught == {pair for pair in own if pair[0] != "v"}


def test_together_is_how_much_likelier_than_chance_other_gifs_have_the_gifs_tags_together(evidence: Rows) -> None:
    """cat 3, kitten 3 and dog 2 train GIFs; uploaders wrote cat and kitten together once, kittne and dog once."""
    v_pair = math.log((1 + 0.1) / (3 * 3 / 5 + 0.1))
    expected = {
        ("a", "cat"): math.log((0 + 0.1) / (2 * 2 / 5 + 0.1)),  # a itself does not count
        ("a", "kitten"): math.log((0 + 0.1) / (2 * 2 / 5 + 0.1)),
        ("d", "dog"): math.log((0 + 0.1) / (1 * 2 / 5 + 0.1)),
        ("d", "kitten"): math.log((0 + 0.1) / (1 * 2 / 5 + 0.1)),
        ("d", "kittne"): math.log((0 + 0.1) / (1 * 2 / 5 + 0.1)),
        ("v", "cat"): (v_pair + 0.0) / 2,  # of bird nothing is known
        ("v", "kitten"): (v_pair + 0.0) / 2,
    }
    together = {pair: row["together"] for pair, row in evidence.items() if row["together"] != 0.0}
    assert together == pytest.approx(expected)


def test_of_many_own_tags_the_first_32_as_written_are_held_against_each_other(
    spark: SparkSession, tmp_path: Path
) -> None:
    tags = [f"t{number}" for number in range(40, 0, -1)]
    gifs: list[Gif] = [(f"g{number}", TRAIN, tags, []) for number in range(3)]
    gifs.append(("other", TRAIN, ["other"], []))
    vote = Vote(spark, str(tmp_path), gifs=gifs, lists=[], slip_rows=(), copied=None)
    together = {tag: row["together"] for (gif_id, tag), row in by_pair(vote.evidence_df()).items() if gif_id == "g0"}
    assert len(together) == 40
    assert {tag for tag, value in together.items() if value != 0.0} == set(tags[:32])


def test_seven_partitions_give_the_same_rows_to_the_bit(evidence: Rows, spark: SparkSession) -> None:
    assert gathered(spark, 7) == evidence


def test_without_groups_of_copies_no_tag_is_copied(evidence: Rows, spark: SparkSession) -> None:
    rows = gathered(spark, 1, copied=False)
    assert not any(row["is_copied"] for row in rows.values())
    assert set(evidence) - set(rows) == {("c", "kitten"), ("c", "unheard")}
    assert rows == {pair: evidence[pair] | {"is_copied": False} for pair in rows}


def test_scores_are_those_of_the_judge_and_only_gifs_with_a_truth_teach_it(
    evidence: Rows, spark: SparkSession, tmp_path: Path
) -> None:
    vote = Vote(spark, str(tmp_path), 3)
    columns = "gif_id string, truth array<string>, own array<string>"
    truths = [("v", ["dog", "bird", "cow"], ["cat", "kitten", "bird"]), ("a", ["cat"], ["cat", "kitten"])]
    truth_df = spark.createDataFrame(truths, columns)
    pairs = judged_pairs(vote.evidence_df(truth_df), truth_df).collect()
    assert {(row["gif_id"], row["tag"]): (row["is_right"], row["lacks"]) for row in pairs} == {
        ("v", "cat"): (False, True),
        ("v", "kitten"): (False, True),
        ("v", "bird"): (True, True),
        ("v", "dog"): (True, True),
        ("a", "cat"): (True, False),
        ("a", "kitten"): (False, False),
        ("a", "dog"): (False, False),
    }
    judge: Judge = fit_judge(None, {name: ExpertWeight(0.5, 0.5) for name in EXPERTS}, CONFIG, seed=7)
    assert judge.weights == default_weights({name: ExpertWeight(0.5, 0.5) for name in EXPERTS}, CONFIG)
    table = pa.Table.from_pylist(list(evidence.values()), schema=evidence_schema(EXPERTS))
    expected = dict(zip(evidence, judge.scores(evidence_of(table, EXPERTS)).tolist(), strict=True))
    found = vote.voted(judge)
    train = {gif[0] for gif in GIFS if gif[1] == TRAIN}
    own = {(gif_id, tag) for gif_id, _, tags, editorial in GIFS for tag in (*tags, *editorial)}
    assert set(found) == own | {pair for pair, score in expected.items() if pair[0] in train and score > 0}
    assert {pair: row["score"] for pair, row in found.items()} == pytest.approx(
        {pair: expected[pair] for pair in found}
    )
    assert found["d", "kittne"]["score"] < 0.3 and found["d", "kitten"]["score"] > 0.6
    assert found["d", "kitten"]["source"] == "proposed"
    assert {(row["probability"], row["accepted"]) for row in found.values()} == {(None, None)}


@pytest.mark.parametrize("normalise", ["possible", "max"])
def test_without_slips_the_published_rule_scores_every_pair_as_the_published_vote_does(
    normalise: str, spark: SparkSession, tmp_path: Path
) -> None:
    """Slips are not corrected, new tags below the lower bound have no score, and a GIF spread over batches is whole."""
    config = CONFIG.model_copy(update={"rule": "published", "normalise": normalise, "lower_bound": 0.5})
    gifs = [*GIFS, *((f"n{number}", TRAIN, ["kittne", "dog"], []) for number in range(2))]
    lists = [*LISTS, ("e", "y", ["n0", "n1", "d"], [0.0, 0.0, 0.1]), ("f", "y", ["a"], [0.5])]
    vote = Vote(spark, str(tmp_path), gifs=gifs, lists=lists, config=config, slip_rows=(), copied=None)
    judge = fit_judge(None, {"x": ExpertWeight(0.5, 0.5), "y": ExpertWeight(0.25, 0.5)}, config, seed=7)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
    try:
        voted = vote.voted(judge)
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert voted["e", "kittne"]["source"] == "voted"
    train = {row[0] for row in gifs if row[1] == TRAIN}
    of_train = {pair: row for pair, row in voted.items() if pair[0] in train}
    assert any(row["score"] for row in of_train.values())
    assert {pair: row["score"] for pair, row in of_train.items()} == {
        pair: row["published_score"] for pair, row in of_train.items()
    }
    assert "proposed" not in {row["source"] for row in voted.values()}
    table = vote.evidence_df().toArrow()
    found = published_confidence(evidence_of(table, EXPERTS), judge.weights, config)
    confidences = dict(zip(zip(table["gif_id"].to_pylist(), table["tag"].to_pylist(), strict=True), found, strict=True))
    assert {pair: one for pair, one in confidences.items() if pair[0] in train and one > 0} == pytest.approx(
        {pair: row["confidence"] for pair, row in of_train.items() if pair in confidences}
    )
