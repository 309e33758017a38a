"""Seeded changes of bytes: the same number gives the same mutant."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_INTERESTING = (b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80", b"\xff\xff")
_Change = Callable[[bytes, random.Random, bytes], bytes]


def mutant(originals: Sequence[bytes], number: int, seed: int = 0) -> bytes:
    """One of the originals with one to six changes, or more where these come to nothing."""
    chance = random.Random(f"{seed}-{number}")
    original = data = chance.choice(originals)
    num_changes = chance.choice((1, 1, 2, 3, 6))
    while num_changes > 0 or data == original:
        data = chance.choice(_CHANGES)(data, chance, chance.choice(originals))
        num_changes -= 1
    return data


def _place(data: bytes, chance: random.Random) -> int:
    """Anywhere; half of the time among the first 100 bytes, where the header is."""
    return chance.randrange(max(1, min(len(data), 100 if chance.random() < 0.5 else len(data))))


def _flip(data: bytes, chance: random.Random, _: bytes) -> bytes:
    at = _place(data, chance)
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :] if data else data


def _overwrite(data: bytes, chance: random.Random, _: bytes) -> bytes:
    at, new = _place(data, chance), chance.choice(_INTERESTING)
    return data[:at] + new + data[at + len(new) :]


def _insert(data: bytes, chance: random.Random, _: bytes) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]


def _remove(data: bytes, chance: random.Random, _: bytes) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 2, 4, 16, 256)) :]


def _repeat(data: bytes, chance: random.Random, _: bytes) -> bytes:
    at, size = _place(data, chance), chance.choice((1, 8, 64, 1024))
    return data[:at] + data[at : at + size] * chance.choice((2, 20)) + data[at:]


def _cut(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _splice(data: bytes, chance: random.Random, other: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


_CHANGES: tuple[_Change, ...] = (_flip, _overwrite, _insert, _remove, _repeat, _cut, _splice)
