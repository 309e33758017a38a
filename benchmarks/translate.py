"""Whether phrases find a right GIF where no word of theirs is a tag: `python -m benchmarks.translate`.

    python -m benchmarks.translate --catalog FOLDER --phrases benchmarks/translate_data/sample.csv

FOLDER has catalog.jsonl and truth.jsonl, as `autotag sample` writes them. A night of it is indexed in an Elasticsearch
of its own (kept in .cache/bench/translate; --again makes it anew). A phrase is asked if no word of it, but for little
ones, is a word of any tag of the index. It is right about a GIF that truly has one of the tags that the phrase stands
for. --as-given indexes the tags that GIFs came with, without a night. Printed are, by weirdness, the shares of phrases
with a right GIF first and among the first 5, the share by chance, and the phrases that find none.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from autotag_core import search
from autotag_core.config import ElasticsearchConfig, TextConfig
from autotag_core.experts.text.sentences import as_bytes
from autotag_core.local_machine import ElasticsearchServer
from autotag_core.search.never import Never
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.translator import Translator
from autotag_core.warehouse import current_release, read_table

PROJECT = Path(__file__).resolve().parents[1]
WORK = PROJECT / ".cache" / "bench" / "translate"
CONFIG = ElasticsearchConfig(replicas=0)
FIRST = 5
WEIRDNESS = (0, 1, 2, 5, 10)
LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a an and any are at be best by down for from hi i in into is it lot many me my of off on one out over so that "
        "the there this to up with you your",
    )
)
"""Words that say nothing about a GIF. A phrase may share them with tags."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument("--phrases", type=Path, required=True)
    parser.add_argument("--weirdness", type=float, action="append", help=f"{WEIRDNESS}, if none is given")
    parser.add_argument("--as-given", action="store_true")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    meanings = Meanings(TextConfig())
    if options.as_given:
        documents = list(given_documents(options.catalog, meanings))
    else:
        documents = list(retagged_documents(options.catalog, options.again))
    truth = dict(truths(options.catalog))
    with indexed(documents) as (client, index):
        report(
            Translator(client, index, meanings, Never()),
            documents,
            truth,
            options.phrases,
            options.weirdness or WEIRDNESS,
        )


def report(
    translator: Translator,
    documents: list[dict[str, Any]],
    truth: dict[str, set[str]],
    phrases: Path,
    steps: Iterable[float],
) -> None:
    """Ask every phrase, and print what was found."""
    words = {word for one in documents for tag in one["tags"] for word in _words(tag["tag"])}
    with phrases.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    asked = [row for row in rows if not (_words(row["phrase"]) - LITTLE) & words]
    right = {row["phrase"]: _right(row["means"], truth, documents) for row in asked}
    asked = [row for row in asked if right[row["phrase"]]]
    chance = np.mean([1 - (1 - len(right[row["phrase"]]) / len(documents)) ** FIRST for row in asked])
    print(
        f"{len(documents)} documents; {len(asked)} of {len(rows)} phrases share no word with a tag; chance {chance:.3f}"
    )
    print(f"{'weirdness':>9}{'first':>8}{'first 5':>9}{'another first':>15}")
    for weirdness in steps:
        seeds = range(1 if weirdness == 0 else 5)
        hits, plain = [], {row["phrase"]: _ids(translator, row["phrase"], 0, 0)[:1] for row in asked}
        for row in asked:
            for seed in seeds:
                found = _ids(translator, row["phrase"], weirdness, seed)
                good = [gif_id in right[row["phrase"]] for gif_id in found]
                hits.append((any(good[:1]), any(good), found[:1] != plain[row["phrase"]], row["phrase"]))
        shares = [np.mean([one[place] for one in hits]) for place in range(3)]
        print(f"{weirdness:>9g}{shares[0]:>8.3f}{shares[1]:>9.3f}{shares[2]:>15.3f}", flush=True)
        if weirdness == 0:
            print(f"          none: {', '.join(one[3] for one in hits if not one[1]) or '-'}")


def _ids(translator: Translator, phrase: str, weirdness: float, seed: int) -> list[str]:
    return [one.document["gif_id"] for one in translator.translate(phrase, weirdness, seed).candidates[:FIRST]]


def _right(means: str, truth: dict[str, set[str]], documents: Iterable[dict[str, Any]]) -> set[str]:
    wanted = set(means.split("|"))
    return {one["gif_id"] for one in documents if wanted & truth.get(one["gif_id"], set())}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def truths(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """(gif_id, its true tags)."""
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["gif_id"], set(row["tags"])


def given_documents(folder: Path, meanings: Meanings | None) -> Iterator[dict[str, Any]]:
    """Documents of the tags that GIFs came with, each of weight 1. Without `meanings` they have none."""
    for line in (folder / "catalog.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        tags = list(dict.fromkeys([*row["editorial_tags"], *row["tags"]]))
        said = ". ".join(filter(None, (", ".join(tags[:8]), row.get("caption"))))
        yield {
            "gif_id": row["gif_id"],
            "tags": [{"tag": tag, "weight": 1.0, "confidence": 1.0, "accepted": True} for tag in tags],
            "caption": row.get("caption"),
            "popularity": row.get("popularity", 0),
            "uri": row["uri"],
            "people": [],
            "written_tags": [],
            "related_gifs": [],
            "meaning": as_bytes(meanings.of_phrase(said)).tolist() if said and meanings else None,
        }


def retagged_documents(folder: Path, again: bool) -> Iterator[dict[str, Any]]:
    """Documents of a night."""
    warehouse = WORK / folder.resolve().name
    if again or not warehouse.exists():
        arguments = ["--catalog", str(folder / "catalog.jsonl"), "--warehouse", str(warehouse)]
        settings = ["--set", "elasticsearch.meaning=true"]
        if (folder / "sessions.jsonl").exists():
            settings += ["--set", f"semantic.sessions={folder / 'sessions.jsonl'}"]
        subprocess.run([sys.executable, "-m", "jobs.commands.app", "nightly", *arguments, *settings], check=True)
    release = current_release(str(warehouse))
    yield from read_table(str(warehouse), "search_documents", release).to_pylist()


@contextmanager
def indexed(documents: Iterable[dict[str, Any]]) -> Iterator[tuple[Elasticsearch, str]]:
    """A client, and an index of the documents, on a server of its own."""
    with ElasticsearchServer() as server, search.elasticsearch_client(server.url, CONFIG) as client:
        index = search.create_index(client, search.Owner(f"bench-{uuid.uuid4().hex[:8]}", "bench"), "run", CONFIG)
        refused = [one for part in search.bulk_index(client, index, documents, CONFIG) for one in part.refused]
        if refused:
            raise SystemExit(f"refused: {refused[0]}")
        search.finish_index(client, index, CONFIG)
        yield client, index


if __name__ == "__main__":
    main()
