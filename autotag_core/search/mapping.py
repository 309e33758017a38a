"""What an index of search documents looks like to Elasticsearch."""

from __future__ import annotations

from typing import Any

from autotag_core.config import ElasticsearchConfig

MAX_TAG_LENGTH = 1024

PROPERTIES: dict[str, Any] = {
    "gif_id": {"type": "keyword"},
    "tags": {
        "type": "nested",
        "dynamic": "strict",
        "properties": {
            "tag": {
                "type": "keyword",
                "normalizer": "lowercase",
                "ignore_above": MAX_TAG_LENGTH,
                # a tag is no text: norms would rank a GIF by how many words its tag has
                "fields": {"words": {"type": "text", "analyzer": "standard", "norms": False}},
            },
            # coerce would take "0.9" for 0.9 and hide that a writer sends strings
            "weight": {"type": "float", "coerce": False},
            "confidence": {"type": "float", "coerce": False},
            "accepted": {"type": "boolean"},
        },
    },
    "people": {
        "type": "keyword",
        "normalizer": "lowercase",
        "ignore_above": MAX_TAG_LENGTH,
        "fields": {"words": {"type": "text", "analyzer": "standard", "norms": False}},
    },
    "written_tags": {"type": "text", "analyzer": "standard", "norms": False},
    "caption": {"type": "text", "analyzer": "standard"},
    "text": {"type": "text", "analyzer": "standard"},
    "popularity": {"type": "long", "coerce": False},
    "trend": {"type": "float", "coerce": False},
    # null where nobody has asked for meanings: such documents are found by their words alone
    "meaning": {"type": "dense_vector", "dims": 384, "element_type": "byte", "index": True, "similarity": "cosine"},
    "uri": {"type": "keyword", "index": False, "doc_values": False},
    # shown beside the GIF, never searched
    "related_gifs": {"type": "keyword", "index": False, "doc_values": False},
}


def mappings(meta: dict[str, Any]) -> dict[str, Any]:
    """Mappings of an index. The `_meta` says who made it (marks.py)."""
    return {"dynamic": "strict", "_meta": meta, "properties": PROPERTIES}


def filling_settings(config: ElasticsearchConfig) -> dict[str, Any]:
    """Settings while an index fills. Nobody reads it, so refresh and replicas would be wasted."""
    return {"number_of_shards": config.shards, "number_of_replicas": 0, "refresh_interval": "-1"}


def copying_settings() -> dict[str, Any]:
    """Settings of a copy while it is changed. It must be told to take documents again, since its source takes none."""
    return {"index.number_of_replicas": 0, "index.refresh_interval": "-1", "index.blocks.write": None}


def serving_settings(config: ElasticsearchConfig) -> dict[str, Any]:
    """Settings once the index is full. null is Elasticsearch's own default refresh."""
    return {"number_of_replicas": config.replicas, "refresh_interval": None}
