"""A JVM's classes are written once and read by the next; what can't be used is left aside."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import pyspark
import pytest

from autotag_core.local_machine import ClassArchive, Java, class_archive, find_java

JARS = Path(pyspark.__file__).parent / "jars"


def run_java(options: str) -> str:
    """What a JVM prints that loads some of Scala's classes: where it found each."""
    command = [find_java().program, *shlex.split(options), "-Xlog:class+load", "-cp", f"{JARS}/*"]
    done = subprocess.run(
        [*command, "scala.tools.nsc.MainGenericRunner", "-version"], capture_output=True, text=True, check=True
    )
    assert done.stderr.startswith("Scala code runner") and done.stderr.count("\n") == 1
    return done.stdout


@pytest.fixture
def archive(tmp_path: Path) -> ClassArchive:
    if class_archive(find_java(), []) is None:
        pytest.skip("this Java has no archive of its own classes")
    return ClassArchive(tmp_path / "classes.jsa")


def test_the_next_jvm_reads_what_the_first_one_wrote(archive: ClassArchive) -> None:
    assert archive.options == ""
    assert "shared objects file (top)" not in run_java(archive.making_options)
    archive.keep()
    assert sorted(path.name for path in archive.path.parent.iterdir()) == ["classes.jsa", "classes.size"]
    assert "MainGenericRunner source: shared objects file (top)" in run_java(archive.options)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_archive_is_left_aside_without_a_word(archive: ClassArchive, damage: str) -> None:
    run_java(archive.making_options)
    archive.keep()
    whole = archive.path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2 : len(whole) // 2 + 64] = b"x" * 64
    archive.path.unlink()
    archive.path.write_bytes({"cut": whole[: len(whole) // 2], "changed": bytes(changed), "empty": b""}[damage])
    printed = run_java(archive.options)
    assert "MainGenericRunner source: file:" in printed


def test_old_archives_and_those_nobody_waited_for_are_dropped(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    month_ago, minutes_ago = time.time() - 31 * 24 * 3600, time.time() - 300
    for name, modified in (
        ("used.jsa", minutes_ago),
        ("unused.jsa", month_ago),
        (f"a.{ended.pid}", minutes_ago),
        (f"b.{os.getpid()}", minutes_ago),
    ):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (modified, modified))
    ClassArchive(tmp_path / "mine.jsa").keep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"b.{os.getpid()}", "used.jsa"]


def test_other_jars_or_another_java_mean_another_archive(
    archive: ClassArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTAG_CACHE", str(tmp_path))
    jar, java = tmp_path / "a.jar", find_java()
    jar.write_bytes(b"one")
    first = class_archive(java, [jar])
    assert first is not None and first == class_archive(java, [jar])
    jar.write_bytes(b"other")
    assert class_archive(java, [jar]) != first
    assert class_archive(Java(tmp_path, 17, tmp_path), [jar]) is None
