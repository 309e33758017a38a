"""Groups of copies on literal graphs; lists and tags that reckon with them."""

import itertools
import random

import pytest
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from autotag_core.config import DuplicatesConfig
from autotag_core.tables import CATALOG, DUPLICATES, MEDIA, NEIGHBORS, check_columns
from udfs.duplicates import groups as duplicates
from udfs.duplicates.components import connected_components, star_groups

HASHES, COLORS = [0, 0, 0, 0], bytes(48)


def keep(rows_df):
    return rows_df.localCheckpoint()


@pytest.fixture(params=[0, 1000], ids=["in rounds", "in one task"])
def components(spark, request):
    """From edges to {node: root} of every node but the roots; the second value is the number of rounds."""

    def run(edges):
        rounds = []

        def counted(rows_df):
            rounds.append(1)
            return keep(rows_df)

        edges_df = spark.createDataFrame(edges, "node string, other string")
        found = connected_components(edges_df, counted, request.param).collect()
        assert len({row.node for row in found}) == len(found)
        return {row.node: row.root for row in found}, len(rounds)

    return run


@pytest.fixture
def find(spark):
    """From media rows (gif_id, version, hashes, colors) and neighbors {gif_id: [(id, distance)]} to groups."""

    def run(media, neighbors, expert="imagenet", **settings):
        columns = {"gif_id": 0, "version": 1, "frame_hashes": 2, "frame_colors": 3}
        media_rows = [
            tuple(row[columns[name]] if name in columns else None for name in MEDIA.schema.names) for row in media
        ]
        neighbor_rows = [
            (gif_id, expert, [name for name, _ in near], [distance for _, distance in near])
            for gif_id, near in neighbors.items()
        ]
        found_df = duplicates.find_duplicates(
            spark.createDataFrame(neighbor_rows, from_arrow_schema(NEIGHBORS.schema)),
            spark.createDataFrame(media_rows, from_arrow_schema(MEDIA.schema)),
            DuplicatesConfig().model_copy(update=settings),
            keep,
        )
        check_columns(DUPLICATES, to_arrow_schema(found_df.schema))
        found = found_df.collect()
        assert len({row.gif_id for row in found}) == len(found)
        return {row.gif_id: (row.group_id, row.group_size) for row in found}

    return run


def alike(*gif_ids):
    """Media of GIFs that all look the same and are different files."""
    return [(gif_id, f"v-{gif_id}", HASHES, COLORS) for gif_id in gif_ids]


def test_a_long_chain_is_one_component_after_a_few_rounds(components):
    names = [f"n{i:03d}" for i in range(200)]
    roots, rounds = components(list(itertools.pairwise(random.Random(5).sample(names, 200))))
    assert roots == dict.fromkeys(names[1:], "n000")
    assert rounds <= 9  # 7 where there are rounds


def test_stars_pairs_and_a_ring_are_components_by_themselves(components):
    star = [("s5", f"s{i}") for i in (1, 2, 3, 4, 6)]
    ring = [("r1", "r2"), ("r2", "r3"), ("r3", "r1")]
    pairs = [("p1", "p2"), ("p2", "p1"), ("p2", "p1"), ("x", "x")]
    roots, _ = components(star + ring + pairs)
    assert roots == {**dict.fromkeys(["s2", "s3", "s4", "s5", "s6"], "s1"), "r2": "r1", "r3": "r1", "p2": "p1"}


def test_pairs_and_stars_around_their_smallest_need_no_round_and_no_edges_no_component(components):
    assert components([("b", "a"), ("c", "a"), ("e", "d")]) == ({"b": "a", "c": "a", "e": "d"}, 0)
    assert components([]) == ({}, 0)


def test_components_are_those_of_a_union_find(components):
    random.seed(11)
    edges = [(f"g{random.randrange(120):03d}", f"g{random.randrange(120):03d}") for _ in range(75)]
    parent = {}

    def root(name):
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    assert components(edges)[0] == {name: root(name) for name in parent if root(name) != name}


def test_star_groups_keep_only_what_is_next_to_a_root(spark):
    edges = [("b", "a"), ("c", "b"), ("d", "c"), ("z", "y"), ("z", "w")]
    found = star_groups(spark.createDataFrame(edges, "node string, other string")).collect()
    assert {(row.node, row.root) for row in found} == {("b", "a"), ("z", "w")}


def test_near_alike_gifs_are_grouped_under_the_smallest_and_others_are_not(find):
    media = [*alike("c", "a", "b", "far"), ("other", "v-o", [-1] * 4, COLORS), ("red", "v-r", HASHES, b"\xff" * 48)]
    media.append(("blank", "v-l", [None] * 4, COLORS))
    near = {
        "c": [("b", 0.0), ("other", 0.0), ("red", 0.0), ("blank", 0.0)],
        "a": [("b", 0.12)],
        "b": [],
        "far": [("a", 0.13)],
    }
    assert find(media, near) == {"a": ("a", 3), "b": ("a", 3), "c": ("a", 3)}
    assert find(media, near, expert="semantic") == {}


def test_the_same_bytes_are_one_group_whatever_they_look_like_and_whoever_is_near(find):
    media = [("m", "v1", [None] * 4, COLORS), ("k", "v1", [None] * 4, COLORS), ("z", "v1", [None] * 4, COLORS)]
    assert find([*media, *alike("a")], {}) == dict.fromkeys(["m", "k", "z"], ("k", 3))


def test_one_edge_of_any_file_joins_all_of_its_bytes(find):
    media = [(name, "same", HASHES, COLORS) for name in ("p", "q", "r")] + alike("b", "s")
    found = find(media, {"s": [("q", 0.01), ("r", 0.01)], "r": [("p", 0.0), ("q", 0.0)]})
    assert found == dict.fromkeys(["p", "q", "r", "s"], ("p", 4))


def test_a_runaway_chain_is_cut_to_what_matches_its_smallest(find):
    names = ["a", "b", "c", "d", "e"]
    chain = {right: [(left, 0.01)] for left, right in itertools.pairwise(names)}
    other = {"y": [("x", 0.01)]}
    media = alike(*names, "x", "y")
    pair = {"x": ("x", 2), "y": ("x", 2)}
    assert find(media, chain | other, max_group=5) == dict.fromkeys(names, ("a", 5)) | pair
    assert find(media, chain | other, max_group=4) == {"a": ("a", 2), "b": ("a", 2)} | pair


def test_a_gif_reposted_byte_for_byte_is_no_runaway_chain(find):
    media = [(f"m{i}", "same", HASHES, COLORS) for i in range(6)] + alike("n")
    assert find(media, {"n": [("m3", 0.0)]}, max_group=2) == dict.fromkeys(
        [f"m{i}" for i in range(6)] + ["n"], ("m0", 7)
    )


def groups(spark, **of):
    rows = [(gif_id, group, sum(other == group for other in of.values())) for gif_id, group in of.items()]
    return spark.createDataFrame(rows, from_arrow_schema(DUPLICATES.schema))


def test_of_a_group_only_the_nearest_stays_in_a_list(spark):
    rows = [
        ("q", "imagenet", ["b", "x", "a", "y", "c", "z"], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        ("q", "semantic", ["c", "b"], [0.0, 0.0]),
        ("a", "imagenet", ["b", "c", "z"], [0.0, 0.0, 0.5]),
        ("w", "imagenet", ["x", "z"], [0.3, 0.3]),
        ("e", "imagenet", [], []),
    ]
    neighbors_df = spark.createDataFrame(rows, from_arrow_schema(NEIGHBORS.schema))
    duplicates_df = groups(spark, a="a", b="a", c="a", x="x", y="x")
    found_df = duplicates.distinct_neighbors(neighbors_df, duplicates_df, k=3)
    check_columns(NEIGHBORS, to_arrow_schema(found_df.schema))
    assert found_df.columns == NEIGHBORS.schema.names
    found = {
        (row.gif_id, row.expert): list(zip(row.neighbor_ids, row.distances, strict=True)) for row in found_df.collect()
    }
    assert {key: [name for name, _ in near] for key, near in found.items()} == {
        ("q", "imagenet"): ["b", "x", "z"],
        ("q", "semantic"): ["c"],
        ("a", "imagenet"): ["b", "z"],
        ("w", "imagenet"): ["x", "z"],
        ("e", "imagenet"): [],
    }
    assert [distance for _, distance in found["q", "imagenet"]] == pytest.approx([0.1, 0.2, 0.6])
    cut_df = duplicates.distinct_neighbors(neighbors_df.where("gif_id = 'q'"), duplicates_df.limit(0), k=2)
    assert {row.expert: row.neighbor_ids for row in cut_df.collect()} == {
        "imagenet": ["b", "x"],
        "semantic": ["c", "b"],
    }


def test_tags_flow_from_train_members_to_those_who_lack_them(spark):
    def gif(gif_id, split, tags, editorial=()):
        values = {"gif_id": gif_id, "split": split, "tags": tags, "editorial_tags": list(editorial)}
        return tuple(values.get(name) for name in CATALOG.schema.names)

    catalog_df = spark.createDataFrame(
        [
            gif("a", "train", ["cat", "lol"]),
            gif("b", "train", ["cat"], ["pet"]),
            gif("c", "train", []),
            gif("v", "validation", ["secret"], ["cat"]),
            gif("x", "train", ["dog"]),
            gif("y", "test", ["hidden"]),
            gif("alone", "train", ["cat"]),
        ],
        from_arrow_schema(CATALOG.schema),
    )
    duplicates_df = groups(spark, a="a", b="a", c="a", v="a", x="x", y="x")
    found = {
        (row.gif_id, row.tag, row.num_members) for row in duplicates.flow_tags(catalog_df, duplicates_df).collect()
    }
    assert found == {
        ("a", "pet", 1),
        ("b", "lol", 1),
        ("c", "cat", 2),
        ("c", "lol", 1),
        ("c", "pet", 1),
        ("v", "lol", 1),
        ("v", "pet", 1),
        ("y", "dog", 1),
    }
