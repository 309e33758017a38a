"""What the JVM parts are, and how they get into the cache. A folder is there complete and as locked, or not at all."""

from __future__ import annotations

import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autotag_core.errors import AutotagError
from autotag_core.local_machine.cache import LOCK, cache_folder
from autotag_core.local_machine.ivy import Dependency, FetchedFile, fetched
from autotag_core.local_machine.java import find_java
from autotag_core.local_machine.lock import LockedFile, check_files, lock_digest, read_lock, sha256_of, write_lock
from autotag_core.local_machine.shipped import is_oldest_spark, pyspark_jars, shipped_hadoop

SPARK, SPARK_OLDEST, DELTA, S3PROXY = "jars/spark", "jars/spark-oldest", "jars/delta", "jars/s3proxy"
ELASTICSEARCH, ELASTICSEARCH_9 = "elasticsearch", "elasticsearch-9"
_INTEG_TEST_ZIP = "org.elasticsearch.distribution.integ-test-zip"
_STAMP = ".complete"
"""A file in each fetched folder: the digest of the lock's lines for that folder."""


def roots() -> dict[str, list[Dependency]]:
    """Folder in the cache -> what it is made of. These are the folders that go with the installed pyspark.

    S3A has the version of pyspark's Hadoop. Delta's jar is there for the oldest Spark alone.
    """
    s3a = [Dependency("org.apache.hadoop", "hadoop-aws", shipped_hadoop(), transitive=True)]
    if is_oldest_spark():
        return {SPARK_OLDEST: s3a, DELTA: [Dependency("io.delta", "delta-spark_2.13", "4.0.1", transitive=True)]}
    return {
        SPARK: s3a,
        S3PROXY: [Dependency("org.gaul", "s3proxy", "4.1.0", transitive=True)],
        ELASTICSEARCH: [Dependency(_INTEG_TEST_ZIP, "elasticsearch", "8.19.21", "zip")],
        ELASTICSEARCH_9: [Dependency(_INTEG_TEST_ZIP, "elasticsearch", "9.2.0", "zip")],
    }


def needed_folders(with_tests: bool = False) -> list[str]:
    """The folders a run on one machine needs, and its tests: Delta on the oldest Spark, else Elasticsearch 9."""
    of_tests = [DELTA if is_oldest_spark() else ELASTICSEARCH_9] if with_tests else []
    return [spark_folder(), S3PROXY, ELASTICSEARCH, *of_tests]


def spark_folder() -> str:
    """The folder whose S3A has the version of pyspark's Hadoop. AutotagError where the lock has none."""
    hadoop = shipped_hadoop()
    versions = {
        file.version: folder
        for folder, files in read_lock(LOCK).items()
        for file in files
        if file.artifact == "hadoop-aws"
    }
    if hadoop not in versions:
        raise AutotagError(f"pyspark has Hadoop {hadoop}, jars.lock is for {', '.join(versions)}: run `make lock-jars`")
    return versions[hadoop]


def require(folder: str) -> Path:
    """The fetched folder, complete and as the lock has it now. Else AutotagError names the command that fetches it."""
    path = cache_folder() / folder
    if not _is_complete(path, read_lock(LOCK).get(folder, [])):
        command = "test-oldest" if is_oldest_spark() else "test" if folder == ELASTICSEARCH_9 else "setup"
        raise AutotagError(f"{path} is missing or out of date: run `make {command}`")
    return path


def spark_classpath() -> str:
    """Class path entry of the jars that Spark needs for S3. AutotagError if they were not fetched."""
    return f"{require(spark_folder())}/*"


def fetch_all(report: Callable[[str], None], lock: Path = LOCK, folders: Sequence[str] | None = None) -> None:
    """Fetch the missing ones of these folders (by default of all) at once. Each is checked before it gets its name."""
    locked = {name: files for name, files in read_lock(lock).items() if folders is None or name in folders}
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
    """Move the found files into the folder if they are exactly the locked ones. Otherwise AutotagError, and no folder.

    A zip is unpacked beside itself; its own sha256 covers what is in it.
    """
    partial = found[0].path.parent / "complete"  # whatever happens, removed with the temporary folder of the fetch
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
    """Unzip with the permissions that the archive names; zipfile itself leaves them out."""
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            path = Path(content.extract(entry, folder))
            mode = entry.external_attr >> 16 & 0o777
            if mode:
                path.chmod(mode | 0o700 if entry.is_dir() else mode)


def lock_jars(lock: Path = LOCK) -> list[LockedFile]:
    """Resolve roots() with everything they depend on, and rewrite their lines of the lock; gives what was written.

    Jars that pyspark ships are left out. Lines of folders that go with another pyspark stay.
    """
    shipped = {path.name.rsplit("-", 1)[0] for path in pyspark_jars().glob("*.jar")}
    java, files = find_java(), []
    for folder, dependencies in roots().items():
        with fetched(dependencies, java, cache_folder()) as found:
            for file in found:
                if folder not in (SPARK, SPARK_OLDEST, DELTA) or file.artifact not in shipped:
                    digest = sha256_of(file.path)
                    files.append(LockedFile(folder, file.group, file.artifact, file.version, file.extension, digest))
    others = [file for folder, kept in read_lock(lock).items() if folder not in roots() for file in kept]
    write_lock(lock, [*files, *others])
    return files


def _is_complete(folder: Path, files: list[LockedFile]) -> bool:
    """Whether the folder was completed for these files. Its stamp is written after every file was read and checked."""
    try:
        stamp = (folder / _STAMP).read_text(encoding="utf-8")
    except OSError:
        return False
    return bool(files) and stamp == lock_digest(files) and all((folder / file.name).is_file() for file in files)
