"""Fetched folders hold exactly what the lock says, or are not there. Ivy is real, the repository is a folder."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from autotag_core.errors import AutotagError
from autotag_core.local_machine import jars
from autotag_core.local_machine.cache import LOCK, PROJECT, cache_folder
from autotag_core.local_machine.ivy import Dependency
from autotag_core.local_machine.lock import LockedFile, read_lock, write_lock


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven repository in a folder, in place of the central one."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.setenv("AUTOTAG_MAVEN_URL", folder.as_uri())
    return folder


def publish(repository: Path, artifact: str, content: bytes, extension: str = "jar") -> None:
    folder = repository / "org" / "example" / artifact / "1.0"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{artifact}-1.0.{extension}").write_bytes(content)


def locked(artifact: str, content: bytes, extension: str = "jar") -> LockedFile:
    return LockedFile("parts", "org.example", artifact, "1.0", extension, hashlib.sha256(content).hexdigest())


def lock_of(tmp_path: Path, *files: LockedFile) -> Path:
    write_lock(tmp_path / "some.lock", list(files))
    return tmp_path / "some.lock"


def test_what_the_lock_names_is_fetched_once(tmp_path: Path, cache: Path, repository: Path) -> None:
    publish(repository, "one", b"first")
    publish(repository, "two", b"second")
    lock, lines = lock_of(tmp_path, locked("one", b"first"), locked("two", b"second")), []
    jars.fetch_all(lines.append, lock)
    jars.fetch_all(lines.append, lock)
    assert {path.name for path in (cache / "parts").glob("*.jar")} == {"one-1.0.jar", "two-1.0.jar"}
    assert [line.split(",")[0] for line in lines] == ["parts: 2 files fetched and checked", "jars: nothing to fetch"]
    assert [path.name for path in cache.iterdir() if path.name.startswith("autotag-")] == []


def test_a_tampered_file_is_refused_and_nothing_is_kept(tmp_path: Path, cache: Path, repository: Path) -> None:
    publish(repository, "one", b"first")
    publish(repository, "two", b"evil")
    lock = lock_of(tmp_path, locked("one", b"first"), locked("two", b"second"))
    with pytest.raises(AutotagError, match=r"parts: refused, two-1\.0\.jar has sha256 .*, the lock says"):
        jars.fetch_all(lambda line: None, lock)
    assert [path.name for path in cache.iterdir() if path.name != "java"] == []


def test_a_file_that_the_repository_lacks_is_named(tmp_path: Path, cache: Path, repository: Path) -> None:
    with pytest.raises(AutotagError, match=r"could not fetch, 3 times: .*org\.example#gone;1\.0"):
        jars.fetch_all(lambda line: None, lock_of(tmp_path, locked("gone", b"")))


def test_a_changed_lock_brings_the_folder_anew(tmp_path: Path, cache: Path, repository: Path) -> None:
    publish(repository, "one", b"first")
    jars.fetch_all(lambda line: None, lock_of(tmp_path, locked("one", b"first")))
    publish(repository, "two", b"second")
    jars.fetch_all(lambda line: None, lock_of(tmp_path, locked("two", b"second")))
    assert [path.name for path in (cache / "parts").glob("*.jar")] == ["two-1.0.jar"]


def test_a_zip_is_unpacked_with_its_permissions(tmp_path: Path, cache: Path, repository: Path) -> None:
    with zipfile.ZipFile(tmp_path / "server.zip", "w") as archive:
        program = zipfile.ZipInfo("server-1.0/bin/start")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh\n")
    content = (tmp_path / "server.zip").read_bytes()
    publish(repository, "server", content, "zip")
    jars.fetch_all(lambda line: None, lock_of(tmp_path, locked("server", content, "zip")))
    assert (cache / "parts" / "server-1.0" / "bin" / "start").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("is_oldest", "folder", "command"),
    [(False, jars.SPARK, "setup"), (False, jars.ELASTICSEARCH_9, "test"), (True, jars.DELTA, "test-oldest")],
)
def test_what_was_not_fetched_says_which_command_brings_it(
    is_oldest: bool, folder: str, command: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "is_oldest_spark", lambda: is_oldest)
    with pytest.raises(AutotagError, match=f"{folder} is missing or out of date: run `make {command}`"):
        jars.require(folder)


def test_the_cache_is_beside_the_code_unless_said_otherwise() -> None:
    assert cache_folder({}) == PROJECT / ".cache"
    assert cache_folder({"AUTOTAG_CACHE": "/somewhere"}) == Path("/somewhere")


def test_the_committed_lock_holds_what_the_code_names_and_nothing_that_pyspark_ships() -> None:
    files = read_lock(LOCK)
    for folder, dependencies in jars.roots().items():
        found = {(file.group, file.artifact, file.version, file.extension) for file in files[folder]}
        assert {(it.group, it.artifact, it.version, it.extension) for it in dependencies} <= found
    shipped = {path.name for path in jars.pyspark_jars().glob("*.jar")}
    assert not shipped & {file.name for file in files[jars.spark_folder()]}


@pytest.mark.parametrize(("hadoop", "folder"), [("3.5.0", "jars/spark"), ("3.4.1", "jars/spark-oldest")])
def test_the_jars_for_s3_are_of_the_hadoop_inside_pyspark(
    hadoop: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "shipped_hadoop", lambda: hadoop)
    assert jars.spark_folder() == folder


def test_a_hadoop_that_the_lock_has_no_jars_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "shipped_hadoop", lambda: "3.6.0")
    with pytest.raises(AutotagError, match=r"pyspark has Hadoop 3\.6\.0, jars\.lock is for .*: run `make lock-jars`"):
        jars.spark_classpath()


@pytest.mark.parametrize(("is_oldest", "of_tests"), [(False, "elasticsearch-9"), (True, "jars/delta")])
def test_what_tests_alone_need_is_not_fetched_for_a_run(
    is_oldest: bool, of_tests: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "is_oldest_spark", lambda: is_oldest)
    assert jars.needed_folders() == [jars.spark_folder(), "jars/s3proxy", "elasticsearch"]
    assert jars.needed_folders(with_tests=True) == [*jars.needed_folders(), of_tests]


def test_only_the_folders_that_are_asked_for_are_fetched(tmp_path: Path, cache: Path, repository: Path) -> None:
    publish(repository, "one", b"first")
    lock = lock_of(tmp_path, locked("one", b"first"), replace(locked("two", b"second"), folder="others"))
    jars.fetch_all(lambda line: None, lock, folders=["parts"])
    assert [path.name for path in cache.iterdir() if path.name != "java"] == ["parts"]


def test_locking_leaves_the_lines_of_another_pyspark(
    tmp_path: Path, cache: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(repository, "one", b"newer")
    cache.mkdir()
    other = replace(locked("two", b"second"), folder="others")
    lock = lock_of(tmp_path, locked("one", b"first"), other)
    monkeypatch.setattr(jars, "roots", lambda: {"parts": [Dependency("org.example", "one", "1.0")]})
    assert jars.lock_jars(lock) == [locked("one", b"newer")]
    assert read_lock(lock) == {"parts": [locked("one", b"newer")], "others": [other]}


def test_a_broken_line_of_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.lock").write_text("# comment\njars/spark org.example:one abc\n")
    with pytest.raises(AutotagError, match=r"broken\.lock, line 2: "):
        read_lock(tmp_path / "broken.lock")
