"""What is wrong with a request is said before any work; what it names is found from any folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from jobs.release.check_request import Request, absolute, check_request, check_workers, settled


def test_every_uri_that_spark_reads_is_absolute_and_of_a_scheme_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()  # noqa: PTH109
    settings = ["catalog.test_list=test.txt", "catalog.validation_list=s3://gifs/val.txt", "semantic.sessions=s.jsonl"]
    found = absolute(Request("s3n://gifs/c.jsonl", "tables", load_config(None, settings)))
    assert (found.catalog, found.warehouse) == ("s3a://gifs/c.jsonl", f"{here}/tables")
    assert found.config.catalog.test_list == f"{here}/test.txt"
    assert found.config.catalog.validation_list == "s3a://gifs/val.txt"
    assert found.config.semantic.sessions == f"{here}/s.jsonl"
    alike = absolute(Request("/c.jsonl", "/w"))
    assert (alike.catalog, alike.warehouse) == ("/c.jsonl", "/w")


def test_a_catalogs_own_place_is_allowed_beside_those_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, ["frames.allowed_places=[s3://more/gifs, pictures]"])
    found = absolute(Request("s3://gifs/night/c.jsonl", "/w", config)).config.frames.allowed_places
    assert found == ("s3a://gifs/", "s3a://more/gifs", f"{tmp_path}/pictures")
    assert absolute(Request("/data/c.jsonl", "/w")).config.frames.allowed_places == ("/data",)
    with pytest.raises(InputError, match=r"frames\.allowed_places 'https://cdn/gifs': it must be"):
        check_request(Request("/c.jsonl", "/w", load_config(None, ["frames.allowed_places=['https://cdn/gifs']"])))


def test_the_versions_of_the_models_are_kept_for_the_record(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    config = load_config(None, ["experts=[imagenet, semantic]"])
    checked = check_request(Request(str(tmp_path / "c.jsonl"), str(tmp_path / "w"), config))
    assert list(checked.model_versions) == ["imagenet"]
    assert checked.model_versions["imagenet"].startswith("efficientnet_lite0-")


@pytest.mark.integration
def test_an_alias_whose_indexes_would_get_too_long_a_name_is_said_before_the_night(
    tmp_path: Path, elasticsearch: str
) -> None:
    (tmp_path / "c.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    request = Request(str(tmp_path / "c.jsonl"), str(tmp_path / "w"), elasticsearch=elasticsearch, index="g" * 232)
    with pytest.raises(InputError, match="it has 256 bytes, at most 255 are allowed"):
        check_request(request)
    assert check_request(replace(request, index="g" * 231)).index is not None


class Spark:
    """A session that gives its tasks so many GPUs, its workers so much memory, and runs a task right here."""

    def __init__(self, gpus: str | None, memory: str | None = None) -> None:
        known = {"spark.task.resource.gpu.amount": gpus, "spark.executor.pyspark.memory": memory}
        self.conf = SimpleNamespace(get=lambda name, default=None: known.get(name) or default)
        self.num_tasks = 0

    @property
    def sparkContext(self) -> Any:  # noqa: N802
        return self

    def parallelize(self, items: list[int], _: int) -> Any:
        self.num_tasks += 1
        return SimpleNamespace(map=lambda task: SimpleNamespace(collect=lambda: [task(item) for item in items]))


def device(spark: Any, *settings: str) -> None:
    check_workers(spark, load_config(None, ["imagenet.device=cuda", *settings]))


def test_a_gpu_that_no_task_gets_is_refused_at_once() -> None:
    for spark, num_tasks in ((Spark(None), 0), (Spark("0.25"), 1)):
        with pytest.raises(InputError, match=r"imagenet\.device is cuda, but Spark assigned no GPU"):
            device(spark)
        assert spark.num_tasks == num_tasks


@pytest.mark.parametrize("memory", ["4096", "6143m", "4g", "512MB", "100k"])
def test_workers_that_cannot_load_their_libraries_are_refused_at_once(memory: str) -> None:
    spark: Any = Spark(None, memory)
    with pytest.raises(InputError, match=rf"spark\.executor\.pyspark\.memory is {memory}: a Python worker maps 6144"):
        check_workers(spark, load_config())
    check_workers(spark, load_config(None, ["experts=[semantic]"]))  # loads no network


@pytest.mark.parametrize("memory", [None, "0.5t", "6144", "6G", "8g", "1t"])
def test_workers_of_enough_or_unlimited_memory_are_not_refused(memory: str | None) -> None:
    spark: Any = Spark(None, memory)
    check_workers(spark, load_config())


def test_nothing_is_asked_where_no_gpu_is_demanded_or_none_would_be_used() -> None:
    spark: Any = Spark(None)
    check_workers(spark, load_config())
    device(spark, "experts=[semantic]")
    assert spark.num_tasks == 0


def test_the_backend_is_decided_once_by_what_spark_gives_its_tasks(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    request = Request(str(tmp_path / "c.jsonl"), str(tmp_path / "w"), load_config(None, ["experts=[imagenet]"]))
    on_cpu: Any = settled(check_request(request), Spark(None))  # type: ignore[arg-type]
    on_gpu: Any = settled(check_request(request), Spark("0.25"))  # type: ignore[arg-type]
    for found, backend in ((on_cpu, "onnxruntime"), (on_gpu, "torch")):
        assert found.request.config.imagenet.backend == backend
        assert found.model_versions == {"imagenet": f"efficientnet_lite0-579344248a93-{backend}-fp32"}
    cpu_only = load_config(None, ["experts=[imagenet]", "imagenet.device=cpu"])
    checked = check_request(Request(request.catalog, request.warehouse, cpu_only))
    assert settled(checked, Spark("1")).request.config.imagenet.backend == "onnxruntime"  # type: ignore[arg-type]
