"""Every table of the warehouse, in the order in which data flows. Each file declares a group of tables."""

from autotag_core.tables.catalog import CATALOG, CHOSEN_TAGS, MEDIA, WRITTEN_TAGS
from autotag_core.tables.faces import FACES, GALLERY, GALLERY_THUMBNAILS, PEOPLE
from autotag_core.tables.labels import LABEL_DECISIONS, LABEL_EDITS, LABELS
from autotag_core.tables.neighbors import DUPLICATES, EMBEDDINGS, NEIGHBORS
from autotag_core.tables.related import RELATED_GIFS, RELATED_SEARCHES, RELATED_TAGS
from autotag_core.tables.review import DECIDED_TAGS, EDITORIAL_DECISIONS
from autotag_core.tables.runs import FAILURES, RUNS
from autotag_core.tables.search import SEARCH_DOCUMENTS
from autotag_core.tables.table import Table, check_columns
from autotag_core.tables.tagger import CHOICES, FRAME_FEATURES, PREDICTIONS, TAGGER_MODELS
from autotag_core.tables.training import TRAINING_EXAMPLES, TRAINING_FUNNEL, TRAINING_LABELS
from autotag_core.tables.trends import TRENDS
from autotag_core.tables.votes import EXPERT_WEIGHTS, TAG_THRESHOLDS, VOTED_TAGS

TABLES = {
    table.name: table
    for table in (
        CATALOG,
        LABELS,
        LABEL_DECISIONS,
        LABEL_EDITS,
        WRITTEN_TAGS,
        CHOSEN_TAGS,
        EDITORIAL_DECISIONS,
        DECIDED_TAGS,
        MEDIA,
        EMBEDDINGS,
        NEIGHBORS,
        DUPLICATES,
        RELATED_TAGS,
        RELATED_GIFS,
        RELATED_SEARCHES,
        EXPERT_WEIGHTS,
        TAG_THRESHOLDS,
        VOTED_TAGS,
        TRENDS,
        SEARCH_DOCUMENTS,
        TRAINING_EXAMPLES,
        TRAINING_LABELS,
        TRAINING_FUNNEL,
        FRAME_FEATURES,
        TAGGER_MODELS,
        PREDICTIONS,
        CHOICES,
        FACES,
        PEOPLE,
        GALLERY,
        GALLERY_THUMBNAILS,
        FAILURES,
        RUNS,
    )
}

__all__ = [
    "CATALOG",
    "CHOICES",
    "CHOSEN_TAGS",
    "DECIDED_TAGS",
    "DUPLICATES",
    "EDITORIAL_DECISIONS",
    "EMBEDDINGS",
    "EXPERT_WEIGHTS",
    "FACES",
    "FAILURES",
    "FRAME_FEATURES",
    "GALLERY",
    "GALLERY_THUMBNAILS",
    "LABELS",
    "LABEL_DECISIONS",
    "LABEL_EDITS",
    "MEDIA",
    "NEIGHBORS",
    "PEOPLE",
    "PREDICTIONS",
    "RELATED_GIFS",
    "RELATED_SEARCHES",
    "RELATED_TAGS",
    "RUNS",
    "SEARCH_DOCUMENTS",
    "TABLES",
    "TAGGER_MODELS",
    "TAG_THRESHOLDS",
    "TRAINING_EXAMPLES",
    "TRAINING_FUNNEL",
    "TRAINING_LABELS",
    "TRENDS",
    "VOTED_TAGS",
    "WRITTEN_TAGS",
    "Table",
    "check_columns",
]
