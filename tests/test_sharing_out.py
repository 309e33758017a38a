"""Between processes whole nights begin first, and what shares a server or a cluster stays together."""

from __future__ import annotations

import importlib.util

import pytest

from autotag_core.local_machine import PROJECT
from tests.sharing_out import LONGEST, NIGHT, TOGETHER, group_of, longest_first


def test_the_longest_begin_then_nights_then_those_of_many_tests() -> None:
    groups = ["core.a", "core.b", "core.c", "core.b", "tests.integration.z", "core.c", NIGHT, "clusters", NIGHT]
    assert [groups[place] for place in longest_first(groups)] == [
        "clusters",
        *(NIGHT, NIGHT),
        "tests.integration.z",
        *("core.b", "core.b", "core.c", "core.c"),
        "core.a",
    ]


def test_tests_of_a_group_keep_the_order_of_their_files() -> None:
    assert longest_first(["core.a", NIGHT, "core.a", NIGHT]) == [1, 3, 0, 2]


def test_every_module_that_is_named_is_there() -> None:
    names = {*TOGETHER, *(group for group in LONGEST if group.startswith("tests."))}
    assert [name for name in sorted(names) if importlib.util.find_spec(name) is None] == []
    assert len(LONGEST) == len(set(LONGEST))
    assert {group for group in LONGEST if not group.startswith("tests.")} == {*TOGETHER.values(), NIGHT}


@pytest.mark.parametrize("target", ["test", "test-oldest"])
def test_make_leaves_that_order_as_it_is(target: str) -> None:
    lines = (PROJECT / "Makefile").read_text(encoding="utf-8").splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith(f"{target}:")]
    assert "-n 2 --dist loadgroup --no-loadscope-reorder" in lines[start + 1]


@pytest.fixture
def night() -> str:
    return "a module's own"


def test_a_module_whose_night_is_its_own_is_no_part_of_the_one_night(
    night: str, request: pytest.FixtureRequest
) -> None:
    assert group_of(request.node) == __name__
