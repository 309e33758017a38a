"""One copy on each host of what all its tasks read."""

import functools

import pytest

from autotag_core import storage


def no_download(path):
    raise AssertionError(f"asked to download to {path}")


def test_what_is_local_is_used_where_it_is(tmp_path):
    assert storage.host_copy(f"{tmp_path}/arrays", tmp_path / "work", no_download) == tmp_path / "arrays"
    assert not (tmp_path / "work").exists()


@pytest.mark.integration
def test_a_copy_is_made_once_and_again_where_it_is_not_whole(bucket, tmp_path):
    storage.write_bytes(f"{bucket}/shard/header", b"header")
    fetched = []

    def download(path):
        fetched.append(path)
        storage.download_file(f"{bucket}/shard/header", path / "header")

    ask = functools.partial(storage.host_copy, f"{bucket}/shard", tmp_path)
    with pytest.raises(OSError, match="no space"):
        ask(no_space, "header")
    path = ask(download, "header")
    assert (path / "header").read_bytes() == b"header"
    assert ask(no_download, "header") == path
    assert fetched == [path]


def no_space(path):
    path.mkdir()
    raise OSError("no space")
