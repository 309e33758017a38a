"""jars.lock: every file that is fetched for the JVM, by coordinate and sha256. A folder must hold just these files."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from autotag_core.errors import AutotagError

_HEADER = """\
# What is fetched for the JVM, by `make setup` or, for tests alone, by `make test` and `make test-oldest`:
# folder under the cache, group:artifact:version@extension, sha256 of the file.
# Written by `make lock-jars` from autotag_core/local_machine/jars.py; do not edit.
"""


@dataclass(frozen=True, order=True)
class LockedFile:
    """One file of a fetched folder."""

    folder: str
    group: str
    artifact: str
    version: str
    extension: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in its folder."""
        return f"{self.artifact}-{self.version}.{self.extension}"

    @property
    def line(self) -> str:
        """The file as a line of the lock."""
        return f"{self.folder} {self.group}:{self.artifact}:{self.version}@{self.extension} {self.sha256}"


def read_lock(path: Path) -> dict[str, list[LockedFile]]:
    """The locked files by folder."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise AutotagError(f"{path}: {error.strerror}; it comes with the source code") from None
    files: dict[str, list[LockedFile]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            folder, coordinate, sha256 = line.split()
            group, artifact, rest = coordinate.split(":")
            version, extension = rest.split("@")
        except ValueError:
            raise AutotagError(
                f"{path}, line {number}: {line!r} is not `folder group:artifact:version@ext sha256`"
            ) from None
        files.setdefault(folder, []).append(LockedFile(folder, group, artifact, version, extension, sha256))
    return files


def write_lock(path: Path, files: list[LockedFile]) -> None:
    """Replace the lock by these files, sorted."""
    path.write_text(_HEADER + "".join(file.line + "\n" for file in sorted(files)), encoding="utf-8")


def lock_digest(files: list[LockedFile]) -> str:
    """A digest that changes when any file of a folder does."""
    return hashlib.sha256("".join(file.line for file in sorted(files)).encode()).hexdigest()


def check_files(folder: Path, files: list[LockedFile]) -> None:
    """Read every file. One AutotagError names all that are missing, not in the lock, or not as the lock says."""
    wanted = {file.name: file.sha256 for file in files}
    found = {path.name: path for path in folder.iterdir() if path.is_file()}
    problems = [f"{name} is missing" for name in wanted if name not in found]
    problems += [f"{name} is not in the lock" for name in found if name not in wanted]
    with ThreadPoolExecutor(2) as pool:
        names = sorted(found.keys() & wanted.keys())
        for name, sha256 in zip(names, pool.map(lambda name: sha256_of(found[name]), names), strict=True):
            if sha256 != wanted[name]:
                problems.append(f"{name} has sha256 {sha256}, the lock says {wanted[name]}")
    if problems:
        raise AutotagError(f"{files[0].folder}: refused, {'; '.join(sorted(problems))}")


def sha256_of(path: Path) -> str:
    """The file's sha256, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
