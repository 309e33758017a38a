"""From raw tags to labels: normalised, English, correctly spelled, without names, grouped, checked by an editor."""

from autotag_core.labels.measures import Measure, TagTruth, as_json, as_text, measure_stages, read_tag_truth
from autotag_core.labels.review import LabelNotes, read_review, review_file
from autotag_core.labels.steps.counts import TagCounts
from autotag_core.labels.steps.decisions import Decision
from autotag_core.labels.steps.entities import Entity, EntityList, EntitySource, find_entities, read_entities
from autotag_core.labels.steps.grouping import Knowledge, Meaning, group_tags
from autotag_core.labels.steps.knowledge_graph import KnowledgeGraph
from autotag_core.labels.steps.language import decide_languages
from autotag_core.labels.steps.spelling import (
    SimilarTags,
    SpellingIndex,
    correct_spellings,
    right_spellings,
    unlisted_tags,
)
from autotag_core.labels.steps.vocabulary import (
    EDITORIAL,
    GROUPED,
    Changes,
    Label,
    TagDecision,
    apply_edits,
    choose_labels,
    combine,
    compare_labels,
    cut,
)
from autotag_core.labels.store import (
    label_of_members,
    read_edits,
    read_labels,
    truth_in_labels,
)
from autotag_core.labels.words.lexicon import Lexicon
from autotag_core.labels.words.meaning import load_meaning
from autotag_core.labels.words.normalise import normalise
from autotag_core.warehouse.own_tables import read_newest, replace_rows

__all__ = [
    "EDITORIAL",
    "GROUPED",
    "Changes",
    "Decision",
    "Entity",
    "EntityList",
    "EntitySource",
    "Knowledge",
    "KnowledgeGraph",
    "Label",
    "LabelNotes",
    "Lexicon",
    "Meaning",
    "Measure",
    "SimilarTags",
    "SpellingIndex",
    "TagCounts",
    "TagDecision",
    "TagTruth",
    "apply_edits",
    "as_json",
    "as_text",
    "choose_labels",
    "combine",
    "compare_labels",
    "correct_spellings",
    "cut",
    "decide_languages",
    "find_entities",
    "group_tags",
    "label_of_members",
    "load_meaning",
    "measure_stages",
    "normalise",
    "read_edits",
    "read_entities",
    "read_labels",
    "read_newest",
    "read_review",
    "read_tag_truth",
    "replace_rows",
    "review_file",
    "right_spellings",
    "truth_in_labels",
    "unlisted_tags",
]
