"""What one run is asked to do, and checks of everything that would otherwise fail hours later."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel
from pyspark.sql import SparkSession

from autotag_core import experts, inputs, labels, search, storage, warehouse
from autotag_core.config import Config
from autotag_core.errors import AutotagError, InputError, as_raised
from autotag_core.experts.text.sentences import sentences_version
from autotag_core.tagger.tagger_model import TaggerModel
from jobs.faces.name_people import Detector, find_detector
from jobs.release.gates import check_accepted
from jobs.search.index_alias import Index, check_new_index, open_index
from jobs.tagger.ask_tagger import NAME as TAGGER
from jobs.tagger.ask_tagger import find_tagger
from udfs.embeddings.frames import gpus_per_task

LEAST_WORKER_MIB = 6144
"""Of address space, touched or not: with so much a small night ends well, and with 4,096 torch is not loaded."""
_WORKER_MEMORY = "spark.executor.pyspark.memory"
_MIB_OF = {"": 1, "k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2}


@dataclass(frozen=True)
class Request:
    """What one run is asked to do."""

    catalog: str
    warehouse: str
    config: Config = field(default_factory=Config)
    elasticsearch: str | None = None
    index: str = "gifs"
    accepted: frozenset[str] = frozenset()
    """Gates that this night need not pass (jobs/release/gates.py)."""
    metrics: tuple[str, ...] = ()
    """Files and push gateways that get this night's metrics (autotag_core/operations/metrics_target.py)."""


@dataclass(frozen=True)
class Checked:
    """A request that can be done, with URIs as Spark takes them; the search server; the models and their versions."""

    request: Request
    index: Index | None
    model_versions: dict[str, str]
    tagger: TaggerModel | None = None
    """None: this night asks none."""
    tagger_note: str = ""
    """Where the tagger lies, or why none is asked."""
    detector: Detector | None = None
    """None: no faces are looked for."""


def check_request(request: Request) -> Checked:
    """The request, checked. InputError in one line for what is wrong with it.

    NotPublishedError where the search alias shows another warehouse. Nothing is left in the warehouse, and no
    credential is repeated.
    """
    return check_models(*check_inputs(request))


def check_inputs(request: Request) -> tuple[Request, Index | None]:
    """The request and the search server, checked but for the models, which take seconds to load. Errors as above."""
    storage.check_uri(request.catalog)
    storage.check_warehouse(request.warehouse)
    storage.refuse_credentials_in(request.config.model_dump())
    storage.check_places(request.config.frames.allowed_places)
    check_accepted(request.accepted)
    request = absolute(request)
    settings = request.config
    inputs.file_kind(request.catalog)
    lists = (settings.catalog.test_list, settings.catalog.validation_list)
    sessions = (settings.semantic.sessions, settings.semantic.search_sessions)
    for uri in (request.catalog, *filter(None, lists + sessions)):
        storage.check_exists(uri)
    if settings.catalog.labels == "engineered":
        labels.read_labels(request.warehouse)
    index = None
    if request.elasticsearch:
        owner = search.Owner(request.index, request.warehouse)
        index = open_index(request.elasticsearch, owner, settings.elasticsearch)
        check_new_index(index)
    warehouse.check_writable(request.warehouse)
    return request, index


def check_models(request: Request, index: Index | None) -> Checked:
    """The checked request, once its models are: seconds of loading, and no Spark is needed. Errors: check_request."""
    versions = experts.check_experts(request.config)
    if request.config.elasticsearch.meaning:
        sentences_version(request.config.text)
    tagger, note = find_tagger(request.warehouse, request.config, versions)
    return Checked(request, index, versions, tagger, note, find_detector(request.config.faces))


def absolute(request: Request) -> Request:
    """The request with URIs that executors in another folder find. S3 is s3a, the one scheme that Spark can read.

    The catalog's own place becomes one of frames.allowed_places, so that whoever fetches a file knows them all.
    """
    settings = request.config
    places = [storage.own_place(request.catalog), *map(storage.absolute, settings.frames.allowed_places)]
    changed = {
        "catalog": _with_absolute(settings.catalog, "test_list", "validation_list"),
        "frames": settings.frames.model_copy(update={"allowed_places": tuple(dict.fromkeys(places))}),
        "semantic": _with_absolute(settings.semantic, "sessions", "search_sessions"),
        "tagger": _with_absolute(settings.tagger, "model"),
        "faces": _with_absolute(settings.faces, "gallery", "model"),
    }
    return replace(
        request,
        catalog=storage.absolute(request.catalog),
        warehouse=storage.absolute(request.warehouse),
        config=settings.model_copy(update=changed),
    )


def _with_absolute(section: BaseModel, *names: str) -> BaseModel:
    values = {name: getattr(section, name) for name in names}
    return section.model_copy(update={name: storage.absolute(uri) for name, uri in values.items() if uri})


def settled(checked: Checked, spark: SparkSession) -> Checked:
    """The request with imagenet.backend decided for the driver and all tasks, by whether the session has GPUs."""
    on_gpus = checked.request.config.imagenet.device != "cpu" and gpus_per_task(spark) > 0
    config = experts.settled(checked.request.config, on_gpus)
    request = replace(checked.request, config=config)
    versions = experts.model_versions(config)
    if checked.tagger is not None:
        versions[TAGGER] = checked.tagger.sha256
    if checked.detector is not None:
        versions |= checked.detector.versions
    return replace(checked, request=request, model_versions=versions)


def check_workers(spark: SparkSession, config: Config) -> None:
    """InputError where tasks that load networks get no GPU that imagenet.device asks for, or too little memory."""
    if any(expert.source != "tags" for expert in experts.chosen_experts(config)):
        _check_memory(spark.conf.get(_WORKER_MEMORY, None))
        _check_device(spark, config)


def _check_memory(limit: str | None) -> None:
    """Refuse what would fail in the first task that loads torch."""
    size = re.fullmatch(r"(\d+)([kmgt]?)b?", (limit or "").strip().lower())
    if size is not None and int(size[1]) * _MIB_OF[size[2]] < LEAST_WORKER_MIB:
        raise InputError(
            f"{_WORKER_MEMORY} is {limit}: a Python worker maps {LEAST_WORKER_MIB} MiB to load its libraries, most of "
            "which it never touches; leave that setting out, or give 8g"
        )


def _check_device(spark: SparkSession, config: Config) -> None:
    """One task asks whether imagenet.device=cuda has a GPU that CUDA sees."""
    if config.imagenet.device != "cuda":
        return
    if gpus_per_task(spark) == 0:
        experts.choose_device("cuda", [])

    def device_of_task(_: Any) -> str:
        from udfs.embeddings.frames import task_gpus

        return str(experts.choose_device("cuda", task_gpus()))

    try:
        spark.sparkContext.parallelize([0], 1).map(device_of_task).collect()
    except Exception as error:
        found = as_raised(error)
        if isinstance(found, AutotagError):
            raise found from None
        raise
