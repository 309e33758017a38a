"""Which GIFs of a catalog are those that an earlier release has embedded."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pyspark.sql import SparkSession

from autotag_core.config import Config
from udfs.reuse.row_digests import compare_gifs, embedded_gifs, same_rows

CATALOG = "gif_id string, uri string, version string, renditions array<string>"
KNOWN = "gif_id string, version string, rendition string"
VERSION = hashlib.sha256(b"old").hexdigest()[:32]


def test_a_gif_is_the_same_where_the_catalog_says_so_or_its_bytes_are(spark: SparkSession, tmp_path: Path) -> None:
    for name, data in (("old", b"old"), ("new", b"new")):
        (tmp_path / name).write_bytes(data)
    old, new, gone = (f"{tmp_path}/{name}" for name in ("old", "new", "gone"))
    base = [
        ("same version", gone, "v1"),
        ("no version, same bytes", old, None),
        ("no version, other bytes", old, None),
        ("other version, same bytes", old, "v1"),
        ("other place, same bytes", gone, "v1"),
        ("other version, not there", gone, "v1"),
        ("was not embedded", gone, "v1"),
        ("left", gone, "v1"),
    ]
    now = [
        ("same version", gone, "v1"),
        ("no version, same bytes", old, None),
        ("no version, other bytes", new, None),
        ("other version, same bytes", old, "v2"),
        ("other place, same bytes", old, "v1"),
        ("other version, not there", gone, "v2"),
        ("was not embedded", gone, "v1"),
        ("is new", new, "v1"),
    ]
    known = [(gif_id, VERSION, None) for gif_id, *_ in base if gif_id != "was not embedded"]
    found_df = compare_gifs(
        spark.createDataFrame([(*row, []) for row in now], CATALOG),
        spark.createDataFrame([(*row, []) for row in base], CATALOG),
        spark.createDataFrame(known, KNOWN),
        Config(),
    )
    rows = {row.gif_id: row for row in found_df.collect()}
    assert {gif_id: row.uri for gif_id, row in rows.items()} == {gif_id: uri for gif_id, uri, _ in now}
    assert sorted(gif_id for gif_id, row in rows.items() if row.is_same) == [
        "no version, same bytes",
        "other place, same bytes",
        "other version, same bytes",
        "same version",
    ]


def test_a_gif_with_renditions_is_the_same_where_they_are_and_the_first_was_looked_at(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name, data in (("old", b"old"), ("new", b"new")):
        (tmp_path / name).write_bytes(data)
    old, new = f"{tmp_path}/old", f"{tmp_path}/new"
    gifs = {  # version now, renditions before and now, the one looked at, is it the same
        "version says so": ("v1", [new], [new], None, True),
        "other renditions": ("v1", [new], [old], new, False),
        "none any more": ("v1", [old], [], old, False),
        "no version, same bytes": (None, [old, new], [old, new], old, True),
        "no version, other bytes": (None, [new], [new], new, False),
        "no version, the second was looked at": (None, [new, old], [new, old], old, False),
        "no version, its own file was looked at": (None, [old], [old], None, False),
    }
    found_df = compare_gifs(
        spark.createDataFrame([(name, "a.gif", now, after) for name, (now, _, after, *_) in gifs.items()], CATALOG),
        spark.createDataFrame([(name, "a.gif", "v1", before) for name, (_, before, *_) in gifs.items()], CATALOG),
        spark.createDataFrame([(name, VERSION, seen) for name, (*_, seen, _) in gifs.items()], KNOWN),
        Config(),
    )
    rows = {row.gif_id: row for row in found_df.collect()}
    assert {name: row.is_same for name, row in rows.items()} == {name: same for name, (*_, same) in gifs.items()}
    assert {name: row.renditions for name, row in rows.items()} == {name: now for name, (_, _, now, *_) in gifs.items()}


def test_what_was_read_and_then_failed_was_not_embedded(spark: SparkSession) -> None:
    media_df = spark.createDataFrame([("a", "1", None), ("b", "2", None), ("c", "3", None)], KNOWN)
    failures = [("b", "embeddings"), ("c", "search_documents"), (None, "catalog")]
    found = embedded_gifs(media_df, spark.createDataFrame(failures, "gif_id string, stage string")).collect()
    assert sorted(tuple(row) for row in found) == [("a", "1", None), ("c", "3", None)]


def test_rows_are_the_same_in_any_order_and_only_as_often(spark: SparkSession) -> None:
    def rows(*values: tuple[str | None, list[str | None]]) -> object:
        return spark.createDataFrame(list(values), "a string, b array<string>")

    left = rows(("x", ["1", "2"]), (None, []), ("y", [None]))
    assert same_rows(left, rows(("y", [None]), ("x", ["1", "2"]), (None, []))) == (True, 3)  # type: ignore[arg-type]
    for other in (
        rows(("x", ["1", "2"]), (None, [])),
        rows(("x", ["2", "1"]), (None, []), ("y", [None])),
        rows(("x", ["1", "2"]), ("", []), ("y", [None])),
        rows(("x", ["1", "2"]), (None, []), ("y", [])),
        rows(("x", ["1", "2"]), (None, []), ("y", [None]), ("y", [None])),
    ):
        assert same_rows(left, other) == (False, 3)  # type: ignore[arg-type]
    assert same_rows(rows(), rows()) == (True, 0)  # type: ignore[arg-type]
    assert same_rows(rows(), left) == (False, 0)  # type: ignore[arg-type]
