"""A small share of the mutants: each picture file gives frames or a reason, and what dies or hangs is found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.chaos import file_mutants
from benchmarks.chaos.mutations import mutant


def test_the_same_number_gives_the_same_mutant() -> None:
    originals = [b"GIF89a" + bytes(200), b"\x89PNG" + bytes(100)]
    found = [mutant(originals, number) for number in range(200)]
    assert found == [mutant(originals, number) for number in range(200)]
    assert len(set(found)) > 150 and not set(found) & set(originals)


def test_mutants_of_picture_files_give_frames_or_a_reason() -> None:
    ends = file_mutants.ends_of(range(40))
    assert list(ends) == list(range(40))
    assert [end for end in ends.values() if end.startswith(("died", "hung", "unexpected"))] == []
    assert "decoded" in ends.values() and len(set(ends.values())) > 1


def test_a_mutant_that_kills_or_holds_up_its_process_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
import json, os, sys, time
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    if number == 1: os.abort()
    if number == 3: time.sleep(60)
    print(json.dumps({number: "decoded"}), flush=True)
"""
    started = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[str]:
        return started([sys.executable, "-c", script, *command[-2:]], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(file_mutants.subprocess, "Popen", start)
    monkeypatch.setattr(file_mutants, "HANGS_S", 2)
    ends = file_mutants.ends_of(range(5))
    assert ends == {0: "decoded", 1: "died: exit code -6", 2: "decoded", 3: "hung", 4: "decoded"}
