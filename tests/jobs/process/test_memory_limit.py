"""The memory that a process may use is that of its narrowest control group, in both versions of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.process.memory_limit import memory_limit

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
GB = 2**30


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/\n", {}, MACHINE),
        ("0::/\n", {"memory.max": "max"}, MACHINE),
        ("0::/\n", {"memory.max": str(GB)}, GB),
        ("0::/a.slice/b\n", {"a.slice/memory.max": str(GB), "a.slice/b/memory.max": "max"}, GB),
        ("0::/a.slice/b\n", {"a.slice/c/memory.max": str(GB)}, MACHINE),
        ("4:memory:/\n0::/\n", {"memory/memory.limit_in_bytes": str(GB)}, GB),
        ("4:memory:/pod/one\n", {"memory/memory.limit_in_bytes": str(GB)}, GB),
        ("5:cpu,memory:/pod\n", {"memory/pod/memory.limit_in_bytes": str(GB)}, GB),
        ("5:cpu:/pod\n", {"memory/pod/memory.limit_in_bytes": str(GB)}, MACHINE),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        (None, {"memory.max": str(GB)}, GB),
    ],
)
def test_the_least_limit_of_a_process_and_its_groups_holds(
    tmp_path: Path, groups: str | None, files: dict[str, str], limit: int
) -> None:
    own = tmp_path / "own"
    if groups is not None:
        own.write_text(groups)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert memory_limit(tmp_path, own) == limit
