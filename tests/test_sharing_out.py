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
    assert "-n 2 --dist loadscope --no-loadscope-reorder" in lines[start + 1]


def test_every_test_that_looks_at_the_sessions_night_is_of_its_group(request: pytest.FixtureRequest) -> None:
    others = [
        item.nodeid
        for item in request.session.items
        if isinstance(item, pytest.Function) and _has_sessions_night(item) and group_of(item.nodeid) != NIGHT
    ]
    assert others == []


def _has_sessions_night(item: pytest.Function) -> bool:
    fixtures = item._fixtureinfo.name2fixturedefs.get("night", ())
    return any(fixture.scope == "session" for fixture in fixtures[-1:])  # a module's own night hides the session's


def test_a_test_is_of_its_modules_group() -> None:
    assert group_of("tests/integration/test_session.py::test_a[x::y]") == "clusters"
    assert group_of("tests/core/test_errors.py::test_b") == "tests.core.test_errors"
