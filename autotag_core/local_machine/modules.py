"""Lets modular jars run on a Java that was built without modules which they require but never use."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

STATIC_PHASE = 0x0040
"""Flag of a `requires` that holds at compile time only (Java Virtual Machine Specification 4.7.25)."""
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""Bytes that follow the tag of each constant but Utf8 (tag 1)."""


def relaxed_copies(jars: list[Path], available: frozenset[str], folder: Path) -> list[Path]:
    """Copies, in `folder`, of the jars that require an unavailable module of the JDK, without that requirement.

    They are meant for `--upgrade-module-path`, where a copy takes its original's place. A class that does use such a
    module still fails when it is loaded.
    """
    copies = []
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            if "module-info.class" not in archive.namelist():
                continue
            original = archive.read("module-info.class")
            relaxed = without_requirements(original, available)
            if relaxed == original:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(folder / jar.name, "w", zipfile.ZIP_DEFLATED) as copy:
                for entry in archive.infolist():
                    copy.writestr(entry, relaxed if entry.filename == "module-info.class" else archive.read(entry))
            copies.append(folder / jar.name)
    return copies


def without_requirements(module_info: bytes, available: frozenset[str]) -> bytes:
    """The module-info class with every `requires jdk.*` or `java.*` that is unavailable made compile-time only."""
    names, start = _constants(module_info)
    changed = bytearray(module_info)
    for position in _requires(module_info, names, start):
        index, flags = struct.unpack_from(">HH", module_info, position)
        name = names[struct.unpack(">H", names[index])[0]].decode()
        if name.startswith(("jdk.", "java.")) and name not in available:
            struct.pack_into(">H", changed, position + 2, flags | STATIC_PHASE)
    return bytes(changed)


def _constants(content: bytes) -> tuple[dict[int, bytes], int]:
    """The constant pool, index to content without the tag, and where it ends."""
    (count,) = struct.unpack_from(">H", content, 8)
    constants, position, index = {}, 10, 1
    while index < count:
        tag = content[position]
        size = struct.unpack_from(">H", content, position + 1)[0] if tag == 1 else _SIZES[tag]
        begin = position + (3 if tag == 1 else 1)
        constants[index] = content[begin : begin + size]
        position, index = begin + size, index + (2 if tag in (5, 6) else 1)
    return constants, position


def _requires(content: bytes, constants: dict[int, bytes], start: int) -> list[int]:
    """Where each `requires` of the Module attribute begins. A module-info has no interfaces, fields or methods."""
    position = start + 12
    (count,) = struct.unpack_from(">H", content, position)
    position += 2
    for _ in range(count):
        index, length = struct.unpack_from(">HI", content, position)
        if constants[index] == b"Module":
            (number,) = struct.unpack_from(">H", content, position + 12)
            return [position + 14 + 6 * row for row in range(number)]
        position += 6 + length
    return []
