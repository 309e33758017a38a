"""Imports go one way, the logic loads without Spark, and nothing is too long to read."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("autotag_core", "udfs", "jobs")
ALLOWED = {
    "autotag_core": {"autotag_core"},
    "udfs": {"autotag_core", "udfs"},
    "jobs": {"autotag_core", "udfs", "jobs"},
}

WITHOUT_SPARK = """
import importlib, pkgutil, sys
for name in ("pyspark", "py4j"):
    sys.modules[name] = None
import autotag_core
names = [module.name for module in pkgutil.walk_packages(autotag_core.__path__, "autotag_core.")]
for name in names:
    if ".serving" in name and sys.version_info >= (3, 13):
        continue  # MLServer does not run there
    importlib.import_module(name)
print(len(names))
"""


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@functools.cache
def imported(path: Path) -> list[tuple[str, int]]:
    return list(_imported(path))


def _imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports anywhere, also inside functions and under TYPE_CHECKING, with its line."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield ".".join(filter(None, (base, node.module))), node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            yield from ((str(arg.value), node.lineno) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def offences(path: Path, *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for name, line in imported(path)
        if name.partition(".")[0] in forbidden
    ]


def test_imports_go_from_jobs_to_udfs_to_autotag_core_only() -> None:
    found = []
    for path in modules():
        package = path.relative_to(ROOT).parts[0]
        found += offences(path, *(set(PACKAGES) - ALLOWED[package]), "tests")
    assert found == []
    assert len(modules()) > 20


def test_the_logic_never_imports_spark_not_even_late() -> None:
    found = [offence for path in (ROOT / "autotag_core").rglob("*.py") for offence in offences(path, "pyspark", "py4j")]
    assert found == []


def test_nothing_imports_petastorm_which_has_an_environment_of_its_own() -> None:
    assert [offence for path in modules() for offence in offences(path, "petastorm")] == []


def test_only_commands_import_the_sample_catalog() -> None:
    rooms = ("autotag_core/sample", "jobs/sample", "jobs/commands/sample.py")
    others = [path for path in modules() if not str(path.relative_to(ROOT)).startswith(rooms)]
    assert [path for path in others for name, _ in imported(path) if name.startswith("autotag_core.sample")] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = networkx.DiGraph()
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    graph.add_edges_from((name, other) for name, path in known.items() for other, _ in imported(path) if other in known)
    circles = [sorted(circle) for circle in networkx.strongly_connected_components(graph) if len(circle) > 1]
    assert circles == [["jobs.commands.app", "jobs.commands.stages", "jobs.nightly"]], "spark-submit runs nightly.py"


def test_every_file_is_shorter_than_250_lines_and_every_function_than_60() -> None:
    found = []
    for path in modules():
        text = path.read_text(encoding="utf-8")
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        found += [path.name] if text.count("\n") >= 250 else []
        found += [one.name for one in functions if (one.end_lineno or 0) - one.lineno + 1 >= 60]
    assert found == []


def test_no_test_imports_another_one() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert [(path.name, name) for path in tests for name, _ in imported(path) if ".test_" in name] == []


def test_the_logic_loads_where_spark_is_not_installed() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_SPARK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_the_command_answers_help_without_loading_what_only_a_run_needs() -> None:
    heavy = {"torch", "nmslib", "pyspark", "elasticsearch", "pandas", "boto3"}
    script = f"import sys, jobs.commands.app; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_night_starts_spark_before_it_loads_what_computes() -> None:
    heavy = {"torch", "nmslib", "numba", "onnxruntime", "scipy.optimize", "elasticsearch"}
    script = f"import sys, jobs.nightly; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("package", ["autotag_core.search", "autotag_core.training"])
def test_every_name_of_a_package_that_loads_late_is_there_and_no_other(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if getattr(module, name).__module__.startswith(package)] == module.__all__
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        module.absent  # noqa: B018


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import pyspark.sql as sql, os", ["pyspark.sql", "os"]),
        ("def f():\n    from udfs.votes.votes import TRAIN", ["udfs.votes.votes"]),
        ("from . import tables", ["autotag_core"]),
        ("from ..jobs import run", ["jobs"]),
        ("import importlib\nimportlib.import_module('jobs.run.run')", ["importlib", "jobs.run.run"]),
    ],
)
def test_no_way_to_import_is_overlooked(
    source: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "autotag_core" / "odd.py"
    path.parent.mkdir()
    path.write_text(source)
    assert [name for name, _ in imported(path)] == names
