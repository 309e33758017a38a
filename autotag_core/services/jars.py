"""What the JVM parts are, and fetching them into the cache: three folders, each complete and as locked, or absent."""

from __future__ import annotations

import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autotag_core.errors import AutotagError
from autotag_core.services.cache import LOCK, cache_folder
from autotag_core.services.ivy import Dependency, FetchedFile, fetched, pyspark_jars
from autotag_core.services.java import find_java
from autotag_core.services.lock import LockedFile, check_files, lock_digest, read_lock, sha256_of, write_lock

SPARK, S3PROXY, ELASTICSEARCH = "jars/spark", "jars/s3proxy", "elasticsearch"
ROOTS = {
    SPARK: [Dependency("org.apache.hadoop", "hadoop-aws", "3.5.0", transitive=True)],  # the Hadoop inside pyspark
    S3PROXY: [Dependency("org.gaul", "s3proxy", "4.1.0", transitive=True)],
    ELASTICSEARCH: [Dependency("org.elasticsearch.distribution.integ-test-zip", "elasticsearch", "8.19.21", "zip")],
}
"""Folder under the cache: what it is made of."""
_STAMP = ".complete"
"""In a fetched folder: the digest of the lock's lines that it holds."""


def require(folder: str) -> Path:
    """The fetched folder; AutotagError says `make setup` unless it is complete and as the lock has it now."""
    path = cache_folder() / folder
    if not _is_complete(path, read_lock(LOCK).get(folder, [])):
        raise AutotagError(f"{path} is missing or out of date: run `make setup`")
    return path


def spark_classpath() -> str:
    """Class path entry of the jars that Spark needs for S3; AutotagError if they were not fetched."""
    return f"{require(SPARK)}/*"


def fetch_all(report: Callable[[str], None], lock: Path = LOCK) -> None:
    """Bring every folder that is not there yet, all at once; each is checked before it gets its name."""
    locked = read_lock(lock)
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    missing = {name: files for name, files in locked.items() if not _is_complete(cache / name, files)}
    if not missing:
        report("jars: nothing to fetch")
        return
    java = find_java()

    def fetch_one(name: str, files: list[LockedFile]) -> None:
        start = time.monotonic()
        dependencies = [Dependency(file.group, file.artifact, file.version, file.extension) for file in files]
        with fetched(dependencies, java, cache) as found:
            install(found, cache / name, files)
        report(f"{name}: {len(files)} files fetched and checked, {time.monotonic() - start:.0f} s")

    pool = ThreadPoolExecutor(len(missing))
    try:
        for task in [pool.submit(fetch_one, name, files) for name, files in missing.items()]:
            task.result()
    finally:
        pool.shutdown(wait=sys.exc_info()[0] is not KeyboardInterrupt)


def install(found: list[FetchedFile], folder: Path, files: list[LockedFile]) -> None:
    """Move the found files into the folder if they are exactly the locked ones; AutotagError, and no folder, otherwise.

    A zip is unpacked beside itself: what lies in it is covered by its own sha256.
    """
    partial = found[0].path.parent / "complete"  # goes with the temporary folder of the fetch, whatever happens
    partial.mkdir()
    for file in found:
        file.path.replace(partial / f"{file.artifact}-{file.version}.{file.extension}")
    check_files(partial, files)
    for archive in partial.glob("*.zip"):
        unpack(archive, partial)
    (partial / _STAMP).write_text(lock_digest(files), encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.replace(found[0].path.parent / "replaced")
    partial.replace(folder)


def unpack(archive: Path, folder: Path) -> None:
    """Unzip with the permissions that the archive names, which zipfile itself leaves out."""
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            path = Path(content.extract(entry, folder))
            mode = entry.external_attr >> 16 & 0o777
            if mode:
                path.chmod(mode | 0o700 if entry.is_dir() else mode)


def lock_jars(lock: Path = LOCK) -> list[LockedFile]:
    """Resolve ROOTS with everything they depend on and write the lock; what pyspark ships already is left out."""
    shipped = {path.name for path in pyspark_jars().glob("*.jar")}
    shipped_artifacts = {name.rsplit("-", 1)[0] for name in shipped}
    java, files = find_java(), []
    for folder, dependencies in ROOTS.items():
        with fetched(dependencies, java, cache_folder()) as found:
            for file in found:
                if folder != SPARK or file.artifact not in shipped_artifacts:
                    digest = sha256_of(file.path)
                    files.append(LockedFile(folder, file.group, file.artifact, file.version, file.extension, digest))
    write_lock(lock, files)
    return files


def _is_complete(folder: Path, files: list[LockedFile]) -> bool:
    """Whether the folder was completed for these files; its stamp is written after every file was read and checked."""
    try:
        stamp = (folder / _STAMP).read_text(encoding="utf-8")
    except OSError:
        return False
    return bool(files) and stamp == lock_digest(files) and all((folder / file.name).is_file() for file in files)
