"""Each check of the machine passes here, and finds what is really missing or wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotag_core.local_machine import java
from autotag_core.local_machine.cache import cache_folder
from autotag_core.local_machine.jars import spark_folder
from autotag_core.operations.checks import machine
from autotag_core.operations.checks.finding import Check, Finding, examine


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return folder / name


def only(check: Check) -> Finding:
    [finding] = examine("check", check)
    return finding


def test_java_is_found_and_where() -> None:
    finding = only(machine.check_java)
    assert finding.level == "ok" and finding.said.startswith("Java ") and "found by " in finding.said


def test_a_java_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "echo '    java.home = /old\n    java.specification.version = 11' >&2"
    program(tmp_path / "bin", "java", answer)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(java, "_packaged_java", lambda: None)
    finding = only(machine.check_java)
    assert finding.level == "error"
    assert "Java 17 to " in finding.said and f"JAVA_HOME has {tmp_path}/bin/java, Java 11" in finding.said


def test_jars_are_read_and_one_that_was_changed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(machine.check_jars).level == "ok"
    name = spark_folder()
    (tmp_path / name).mkdir(parents=True)
    for path in (cache_folder() / name).iterdir():
        (tmp_path / name / path.name).symlink_to(path)
    changed = next((tmp_path / name).glob("hadoop-aws-*.jar"))
    changed.unlink()
    changed.write_bytes(b"another program")
    monkeypatch.setenv("AUTOTAG_CACHE", str(tmp_path))
    finding = only(machine.check_jars)
    assert finding.level == "error" and f"{changed.name} is not what jars.lock says" in finding.said
    monkeypatch.setenv("AUTOTAG_CACHE", str(tmp_path / "empty"))
    assert "is missing or out of date: run `make " in only(machine.check_jars).said


def test_packages_outside_of_their_ranges_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(machine.check_packages).level == "ok"
    (tmp_path / "autotag-9.dist-info").mkdir()
    (tmp_path / "autotag-9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: autotag\nVersion: 9\nRequires-Python: <3.11\n"
        "Requires-Dist: numpy<1\nRequires-Dist: no-such-package\nRequires-Dist: absent; extra == 'text'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [(finding.level, finding.said) for finding in examine("packages", machine.check_packages)]
    assert [level for level, _ in found] == ["error"] * 3
    assert "<3.11 is needed" in found[0][1] and "<1 is needed" in found[1][1]
    assert found[2][1] == "no-such-package is missing"


def test_packages_that_are_not_those_of_the_lock_are_a_warning(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1.0 \\\n    --hash=sha256:00\nabsent==1\nsix==0.1 ; sys_platform == 'plan9'\n")
    finding = only(lambda: machine.check_packages(lock))
    assert finding.level == "warning"
    assert finding.said.startswith("1 packages are not the tested versions, such as numpy ")


def test_a_folder_that_is_full_absent_or_closed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SCANT_DISK", 1)
    monkeypatch.setattr(machine, "LEAST_DISK", 0)
    assert only(lambda: machine.check_disk([tmp_path])).level == "ok"
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(machine, "SCANT_DISK", 2**60)
    assert only(lambda: machine.check_disk([tmp_path])).level == "warning"
    monkeypatch.setattr(machine, "LEAST_DISK", 2**60)
    assert only(lambda: machine.check_disk([tmp_path])).level == "error"
    assert "no such folder" in only(lambda: machine.check_disk([tmp_path / "absent"])).said
    closed = only(lambda: machine.check_disk([Path("/proc")]))
    assert (closed.level, closed.advice) == ("error", "let this user write to it")


def test_the_folders_are_those_that_spark_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    assert str(tmp_path) in examine("disk", machine.check_disk)[0].said


@pytest.mark.parametrize(
    ("available_gb", "limit_gb", "used_gb", "level"),
    [(16, None, 0, "ok"), (3, None, 0, "warning"), (1, None, 0, "error"), (16, 2, 1, "error"), (16, 32, 20, "ok")],
)
def test_memory_is_the_machines_within_the_containers_limit(
    available_gb: int, limit_gb: int | None, used_gb: int, level: str, tmp_path: Path
) -> None:
    meminfo, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    meminfo.write_text(f"MemTotal: 99 kB\nMemAvailable: {available_gb * 2**20} kB\n")
    limit.write_text("max\n" if limit_gb is None else f"{limit_gb * 2**30}\n")
    (tmp_path / "memory.current").write_text(f"{used_gb * 2**30}\n")
    assert only(lambda: machine.check_memory(meminfo, limit)).level == level


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    if torch.cuda.device_count():
        assert only(lambda: machine.check_gpu("cuda")).level == "ok"
        return
    assert only(lambda: machine.check_gpu("cuda")).said == (
        "imagenet.device is cuda, but CUDA sees no device on this machine"
    )
    assert only(lambda: machine.check_gpu("auto")).level == "ok"
    program(tmp_path, "nvidia-smi", "echo 470.1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    finding = only(lambda: machine.check_gpu("auto"))
    assert finding.level == "warning" and "nvidia-smi answers with driver 470.1" in finding.said
