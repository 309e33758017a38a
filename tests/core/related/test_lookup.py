"""Related tags and GIFs of a release as a person asks for them, and the vectors that they come from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.config import NeighborsConfig
from autotag_core.errors import InputError
from autotag_core.experts import TagSpace
from autotag_core.neighbors import exact_neighbors
from autotag_core.related import (
    RelatedQuality,
    TokenVectors,
    related_gifs,
    related_searches,
    related_tags,
    search_settings,
    search_tokens,
    token_vectors,
    write_shard,
)
from autotag_core.related.quality import Hits
from autotag_core.tables import RELATED_GIFS, RELATED_SEARCHES, RELATED_TAGS, Table
from autotag_core.warehouse import RunRecord, append_run, table_uri

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def release(folder: Path, rows_of: dict[Table, list[dict[str, object]]]) -> str:
    """A warehouse with one release of these tables."""
    for table, rows in rows_of.items():
        write_deltalake(table_uri(str(folder), table.name), pa.Table.from_pylist(rows, schema=table.plain_schema))
    versions = {table.name: 0 for table in rows_of}
    append_run(str(folder), RunRecord("r1", NOW, NOW, "published", release_of="r1", table_versions=versions))
    return str(folder)


def test_only_tokens_of_a_kind_are_taken_and_each_is_as_long_as_one() -> None:
    vectors = np.array([[3, 4], [0, 0], [0, 2], [5, 0]], np.float32)
    space = TagSpace(("gif:a", "tag:dull", "tag:gif:a", "tag:cat"), vectors, np.ones(4))
    tags = token_vectors(space, "tag:")
    assert tags.names == ("gif:a", "cat")
    assert tags.vectors.tolist() == [[0, 1], [1, 0]]
    gifs = token_vectors(space, "gif:")
    assert gifs.names == ("a",)
    np.testing.assert_allclose(gifs.vectors, [[0.6, 0.8]], rtol=1e-6)


def test_only_those_that_are_asked_for_stay_in_their_order() -> None:
    tokens = TokenVectors(("a", "b", "c"), np.eye(3, dtype=np.float32))
    some = tokens.only(["c", "a", "unknown", "c"])
    assert some.names == ("a", "c")
    assert some.vectors.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert tokens.only([]).vectors.shape == (0, 3)


def test_hnsw_gets_enough_candidates_for_long_lists() -> None:
    settings = search_settings(NeighborsConfig(k=10, efSearch=12), 20)
    assert (settings.k, settings.efSearch) == (20, 40)
    assert search_settings(NeighborsConfig(efSearch=100), 20).efSearch == 100


def test_shards_of_slices_give_the_nearest_of_all(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = TokenVectors(tuple(f"t{number:02d}" for number in range(50)), vectors)
    config = NeighborsConfig(k=5, backend="exact")
    slices = (range(0, 20), range(20, 40), range(40, 50))
    uris = [write_shard(tokens, rows, config, str(tmp_path / "shards"), tmp_path / "work") for rows in slices]
    names = ["t45", "t03"]
    found = search_tokens(tokens, names, uris, config, tmp_path / "work")
    wanted = exact_neighbors(names, vectors[[45, 3]], list(tokens.names), vectors, 5)
    assert [found.of(i) for i in range(2)] == [wanted.of(i) for i in range(2)]


def test_a_release_says_what_is_related(tmp_path: Path) -> None:
    warehouse = release(
        tmp_path,
        {
            RELATED_TAGS: [{"tag": "cat", "related": ["kitty", "dog"], "similarities": [0.75, 0.5]}],
            RELATED_GIFS: [{"gif_id": "g1", "related": ["g2"], "similarities": [0.25], "source": "sessions"}],
            RELATED_SEARCHES: [{"query": "happy birthday", "related": ["cake"], "similarities": [1.0]}],
        },
    )
    assert related_tags(warehouse, "cat").to_text() == "cat\n   0.750  kitty\n   0.500  dog"
    assert related_gifs(warehouse, "g1").to_text() == "g1  (from sessions)\n   0.250  g2"
    found = json.loads(related_searches(warehouse, " Happy  BIRTHDAY").to_json())
    assert found == {"key": "happy birthday", "names": ["cake"], "similarities": [1.0], "source": None}
    with pytest.raises(InputError, match="nothing is related to the tag 'cats' in run r1; the nearest is 'cat'"):
        related_tags(warehouse, "cats")
    with pytest.raises(InputError, match="nothing is related to the tag 'zebra' in run r1: it is too rare"):
        related_tags(warehouse, "zebra")
    with pytest.raises(InputError, match="nothing is related to the GIF 'g2' in run r1: it is not in the catalog, or"):
        related_gifs(warehouse, "g2")


def test_a_release_without_the_tables_says_what_they_need(tmp_path: Path) -> None:
    warehouse = release(tmp_path, {})
    with pytest.raises(InputError, match="run r1 has no table related_tags: it needs the semantic expert and related"):
        related_tags(warehouse, "cat")
    with pytest.raises(InputError, match=r"no table related_searches: it needs semantic\.search_sessions"):
        related_searches(warehouse, "cat")


def test_hit_rates_are_of_all_views_with_an_answer_or_without() -> None:
    methods = {"related": Hits(80, 20), "popularity": Hits(100, 5)}
    quality = RelatedQuality(10, 100, 400, 90, methods)
    assert quality.hit_rate("related") == 0.2
    assert quality.to_text() == (
        "100 views that followed another one in 90 held-out sessions; learned from 400 others\n"
        "                 hit rate at 10      +-  answers\n"
        "related                  0.2000  0.0784    0.800\n"
        "popularity               0.0500  0.0427    1.000"
    )
    assert json.loads(quality.to_json())["hit_rate"] == {"related": 0.2, "popularity": 0.05}
