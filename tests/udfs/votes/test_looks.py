"""Looks of a drawn catalog in which a tag's GIFs point one way."""

import numpy as np
import pytest

from autotag_core.config import Config
from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.votes import open_statistics
from udfs.tasks.local_folder import local_folder
from udfs.votes.ballots import Ballots, about_rows
from udfs.votes.evidence import gather_evidence
from udfs.votes.looks import look, looking_expert
from udfs.votes.tag_tables import write_statistics, write_tags

CONFIG = Config()
EMBEDDINGS = "gif_id string, expert string, embedding array<float>"
NUM_GIFS, WIDTH = 240, 12


@pytest.fixture(scope="module")
def catalog(spark):
    """(embeddings, catalog): a third of the GIFs are cats, a third dogs; `wrong` dogs have the tag cat."""
    rng = np.random.default_rng(8)
    kinds = np.arange(NUM_GIFS) % 3
    vectors = rng.normal(size=(NUM_GIFS, WIDTH)) + 3 * np.eye(WIDTH)[kinds]
    ids = [f"g{number:03}" for number in range(NUM_GIFS)]
    vector_rows = [(name, "imagenet", vector.tolist()) for name, vector in zip(ids, vectors, strict=True)]
    vector_rows += [(name, "text", [1.0, 0.0]) for name in ids]
    tags = [["cat"], ["dog"], []]
    rows = [
        (name, VALIDATION if at >= 216 else TRAIN, ["cat"] if at in (1, 4) else tags[kind], [])
        for at, (name, kind) in enumerate(zip(ids, kinds, strict=True))
    ]
    schema = "gif_id string, split string, tags array<string>, editorial_tags array<string>"
    return spark.createDataFrame(vector_rows, EMBEDDINGS), spark.createDataFrame(rows, schema)


def gathered(catalog, folder, parts, lists=()):
    embeddings_df, catalog_df = (one_df.repartition(parts) for one_df in catalog)
    spark = embeddings_df.sparkSession
    schema = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
    neighbors_df = spark.createDataFrame(list(lists), schema)
    about_df = about_rows(catalog_df)
    tags = write_tags(about_df, None, str(folder))
    looks_df = look(embeddings_df, CONFIG, tags.num_gifs, str(folder))
    ballots = Ballots(neighbors_df, about_df, tags, looks_df)
    statistics = write_statistics(ballots, ["imagenet", "text"], CONFIG.vote, str(folder))
    rows = gather_evidence(ballots, catalog_df, statistics, CONFIG.vote).collect()
    return {(row["gif_id"], row["tag"]): row for row in rows}, open_statistics(statistics, local_folder())


@pytest.fixture(scope="module")
def evidence(catalog, tmp_path_factory):
    lists = [("g002", "imagenet", ["g000", "g007"], [0.1, 0.2]), ("g219", "text", ["g000", "g007"], [0.1, 0.2])]
    return [gathered(catalog, tmp_path_factory.mktemp("looks"), parts, lists) for parts in (1, 3)]


def test_looks_tell_right_tags_from_wrong_ones(evidence):
    rows, known = evidence[0]
    assert known.looks.nums.sum() == 144, "train GIFs that have a tag"
    own = [row["likeness"] for (name, tag), row in rows.items() if tag == "dog" and row["is_own"]]
    assert min(rows["g219", "cat"]["likeness"], np.median(own)) > 0.1
    assert max(rows["g001", "cat"]["likeness"], rows["g004", "cat"]["likeness"], rows["g219", "dog"]["likeness"]) < -0.1
    assert rows["g002", "cat"]["likeness"] < 0, "a neighbor's tag"


def test_partitions_change_nothing(evidence):
    (one, known), (three, others) = evidence
    assert one == three
    assert (known.looks.means == others.looks.means).all()


def test_a_look_lists_no_neighbors(evidence):
    rows, _ = evidence[0]
    assert rows["g219", "cat"]["share_imagenet"] is None
    assert rows["g219", "cat"]["share_text"] == pytest.approx(rows["g002", "cat"]["share_imagenet"], abs=0.2)


def test_few_gifs_have_no_looks(catalog, tmp_path):
    embeddings_df, _ = catalog
    assert look(embeddings_df, CONFIG, 99, str(tmp_path)) is None
    assert look(embeddings_df.where("false"), CONFIG, 240, str(tmp_path)) is None
    assert look(embeddings_df, CONFIG.model_copy(update={"experts": ("semantic",)}), 240, str(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_the_expert_that_looks_knows_no_tags():
    def of(*experts):
        return looking_expert(CONFIG.model_copy(update={"experts": experts}))

    assert of("temporal", "text", "imagenet") == "imagenet"
    assert of("temporal", "semantic", "text", "sound") == "sound"
    assert of("temporal", "semantic") is None
