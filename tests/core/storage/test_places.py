"""Which files a catalog may name, by the text of their URIs."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.storage import below, check_places, is_within, own_place, prefixes


@pytest.mark.parametrize(
    ("catalog", "place"),
    [
        ("s3://gifs/night/catalog.jsonl", "s3a://gifs/"),
        ("s3a://gifs", "s3a://gifs/"),
        ("/data/night/catalog.csv", "/data/night"),
        ("/data/night/catalog/", "/data/night"),
        ("/data/night/../day/catalog.csv", "/data/day"),
        ("file:///data/a%20b/catalog.csv", "/data/a b"),
        ("/catalog.csv", "/"),
    ],
)
def test_a_catalogs_own_place_is_its_bucket_or_its_folder(catalog: str, place: str) -> None:
    assert own_place(catalog) == place


def test_a_relative_catalog_lies_in_the_folder_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert own_place("catalog.csv") == str(tmp_path)
    assert is_within("gifs/../a.gif", prefixes(["."])) and not is_within("../a.gif", prefixes(["gifs", "."]))


@pytest.mark.parametrize(
    ("uri", "is_in"),
    [
        ("s3n://gifs/a/x.gif", True),
        ("S3A://gifs/a/x.gif", True),
        ("s3a://gifs/ab/x.gif", False),
        ("s3a://gifs/b", False),
        ("s3a://gifs/a/../b", False),
        ("s3a://gifs/a/.hidden", True),
        ("/data/x.gif", True),
        ("//data/x.gif", True),
        ("file:/data/a%20b", True),
        ("FILE://host/data/x.gif", True),
        ("/data/../etc/passwd", False),
        ("file:///data/%2e%2e/etc/passwd", False),
        ("/database/x.gif", False),
        ("data/x.gif", False),
    ],
)
def test_a_place_is_a_folder_in_whatever_way_a_uri_is_written(uri: str, is_in: bool) -> None:
    assert is_within(uri, prefixes(["s3a://gifs/a", "file:///data/"])) is is_in


def test_the_root_and_a_whole_bucket_hold_everything_below_them() -> None:
    assert is_within("/etc/passwd", prefixes(["/"]))
    assert is_within("s3a://gifs/x", prefixes(["s3a://gifs"]))


@pytest.mark.parametrize("path", ["/x", "../x", "a/../../x", "file:///x", "s3://other/x", "a/.."])
def test_a_path_that_a_file_names_lies_below_its_folder(path: str) -> None:
    assert below("s3a://gifs/w", "a b/..c") == "s3a://gifs/w/a b/..c"
    with pytest.raises(InputError, match="is named in it, which lies outside"):
        below("s3a://gifs/w", path)


@pytest.mark.parametrize("place", ["", "s3a://", "s3:gifs", "https://cdn/gifs", "hdfs://host/x", "s3a://gifs/../more"])
def test_a_place_that_names_nothing_is_refused(place: str) -> None:
    with pytest.raises(
        InputError, match=r"^frames\.allowed_places .*: it must be s3a://bucket/prefix or a local folder$"
    ):
        check_places(["/data", "s3://gifs/a", place])
