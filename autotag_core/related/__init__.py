"""What is nearest to a tag, a GIF or a search by what people do with them, and how well that predicts their steps."""

from autotag_core.related.lookup import Related, related_gifs, related_searches, related_tags
from autotag_core.related.quality import RelatedQuality
from autotag_core.related.tokens import TokenVectors, search_settings, search_tokens, token_vectors, write_shard

__all__ = [
    "Related",
    "RelatedQuality",
    "TokenVectors",
    "related_gifs",
    "related_searches",
    "related_tags",
    "search_settings",
    "search_tokens",
    "token_vectors",
    "write_shard",
]
