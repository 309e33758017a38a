"""What vectors in fewer bytes would find: `python -m benchmarks.vector_bytes [--gifs 100000] [--json]`.

The 10 nearest of 2,000 GIFs among clustered vectors of 256 dimensions, by products of vectors that were kept as
float16 and as int8, with one scale each, and as the codes of product quantisation (Jegou, Douze and Schmid 2011:
asymmetric distances, 256 centers a part), against those of float32. Bytes are of one vector. Seconds are of unpacking
all of them once, tile by tile, which a search does for each 512 queries, beside those of 512 queries' products with
all. The 10 are also looked for among the first 100, which float32 could then rank.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2, vq

from autotag_core.neighbors.shards.half_vectors import HalfVectors
from benchmarks.clustered_vectors import clustered_vectors

Floats = npt.NDArray[np.float32]
K, QUERIES, BLOCK, TILE, TRAINED_ON, WIDE = 10, 2_000, 512, 4_096, 16_384, 100


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    vectors = clustered_vectors(options.gifs, 7)
    drawn = np.sort(np.random.default_rng(0).choice(len(vectors), QUERIES, replace=False))
    truth = None
    for name, size, unpack in ways(vectors):
        found = nearest(vectors[drawn], drawn, len(vectors), unpack)
        truth = found[:, :K] if truth is None else truth
        unpacked, multiplied = seconds(vectors[:BLOCK], len(vectors), unpack)
        row = {"vectors": name, "bytes": size, "unpacked in": round(unpacked, 3), "products in": round(multiplied, 3)}
        row |= {f"in first {first}": round(share(truth, found[:, :first]), 4) for first in (K, WIDE)}
        print(json.dumps(row) if options.json else "  ".join(f"{key}: {value}" for key, value in row.items()))


def seconds(queries: Floats, num_rows: int, unpack: Callable[[slice], Floats]) -> tuple[float, float]:
    """Of unpacking all rows once, and of their products with the queries; the median of five."""
    taken = []
    for _ in range(5):
        unpacking = multiplying = 0.0
        for start in range(0, num_rows, TILE):
            before = time.perf_counter()
            tile = unpack(slice(start, min(start + TILE, num_rows)))
            between = time.perf_counter()
            np.matmul(queries, tile.T)
            multiplying += time.perf_counter() - between
            unpacking += between - before
        taken.append((unpacking, multiplying))
    unpacked, multiplied = np.median(taken, axis=0)
    return float(unpacked), float(multiplied)


def ways(vectors: Floats) -> list[tuple[str, int, Callable[[slice], Floats]]]:
    """By name: bytes of a vector, and the vectors of some rows as they are read again."""
    dimension = vectors.shape[1]
    scales = np.abs(vectors).max(axis=1, keepdims=True) / 127
    whole = np.rint(vectors / scales).astype(np.int8)
    found: list[tuple[str, int, Callable[[slice], Floats]]] = [
        ("float32", 4 * dimension, lambda rows: vectors[rows]),
        ("float16", 2 * dimension + 4, HalfVectors.of(vectors).__getitem__),
        ("int8", dimension + 4, lambda rows: whole[rows] * scales[rows]),
    ]
    return [*found, *(quantised(vectors, parts) for parts in (dimension // 4, dimension // 8))]


def quantised(vectors: Floats, parts: int) -> tuple[str, int, Callable[[slice], Floats]]:
    """Product quantisation with so many bytes a vector."""
    pieces = np.split(vectors, parts, axis=1)
    trained = np.random.default_rng(0).choice(len(vectors), min(TRAINED_ON, len(vectors)), replace=False)
    books = [kmeans2(piece[trained], 256, iter=10, minit="++", seed=0)[0].astype(np.float32) for piece in pieces]
    codes = np.stack([vq(piece, book)[0].astype(np.uint8) for piece, book in zip(pieces, books, strict=True)], axis=1)

    def unpack(rows: slice) -> Floats:
        return np.concatenate([book[codes[rows, part]] for part, book in enumerate(books)], axis=1)

    return f"product quantisation, {parts} parts", parts, unpack


def nearest(
    queries: Floats, numbers: npt.NDArray[np.int64], num_rows: int, unpack: Callable[[slice], Floats]
) -> npt.NDArray[np.int64]:
    """The WIDE rows with the largest products, but the query itself, largest first (queries, WIDE)."""
    best = np.full((len(queries), WIDE), -np.inf, np.float32)
    rows = np.zeros((len(queries), WIDE), np.int64)
    for start in range(0, num_rows, TILE):
        here = slice(start, min(start + TILE, num_rows))
        scores = queries @ unpack(here).T
        own = np.flatnonzero((numbers >= here.start) & (numbers < here.stop))
        scores[own, numbers[own] - start] = -np.inf
        both = np.concatenate([best, scores], axis=1)
        at = np.argpartition(-both, WIDE, axis=1)[:, :WIDE]
        of = np.concatenate([rows, np.broadcast_to(np.arange(here.start, here.stop), scores.shape)], axis=1)
        best, rows = np.take_along_axis(both, at, axis=1), np.take_along_axis(of, at, axis=1)
    order = np.argsort(-best, axis=1)
    return np.take_along_axis(rows, order, axis=1)


def share(truth: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> float:
    """Of the truth (queries, K) that is found."""
    return float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean())


if __name__ == "__main__":
    main()
