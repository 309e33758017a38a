"""The command: what it says, where it says it, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from deltalake import write_deltalake

from autotag_core import storage, warehouse
from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, lease
from jobs.commands import app as cli
from jobs.release.gates import GATES

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def autotag(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this process: (exit code, standard output, standard error)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run


def one_line(ended: tuple[int, str, str], exit_code: int) -> str:
    code, out, err = ended
    assert (code, out) == (exit_code, "")
    assert err.count("\n") == 1 and err.startswith("error: ")
    return err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_explains_it_and_each_of_its_options(name: str, autotag: Command) -> None:
    code, out, err = autotag(name, "--help")
    assert (code, err) == (0, "")
    assert f"autotag {name}" in out
    assert str(COMMANDS[name].help).splitlines()[0][:40] in out
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"{parameter.name} of {name} has no help"
        assert parameter.opts[0] in out.lower()


def test_without_a_command_the_help_lists_them(autotag: Command) -> None:
    _, out, err = autotag()
    assert all(
        name in out + err for name in ("nightly", "sample", "evaluate", "explain", "experts", "runs", "rollback")
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("nigthly",),
        ("nightly", "--catalog", "x.jsonl"),
        ("nightly", "--catalog", "x.jsonl", "--warehouse", "w", "--password", "hunter2"),
        ("sample", "--out", "x", "--gifs", "many"),
        ("sample", "--out", "x", "--gifs", "0"),
        ("explain", "--warehouse", "w"),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_what_is_wrong(arguments: tuple[str, ...], autotag: Command) -> None:
    code, out, err = autotag(*arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err
    assert "hunter2" not in err


def nightly(catalog: str, warehouse_uri: str, *more: str) -> tuple[str, ...]:
    return ("nightly", "--catalog", catalog, "--warehouse", warehouse_uri, *more)


@pytest.fixture
def good(tmp_path: Path) -> str:
    (tmp_path / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    return str(tmp_path / "catalog.jsonl")


def test_wrong_input_of_the_nightly_job_is_one_line_exit_code_2_and_nothing_written(
    autotag: Command, good: str, tmp_path: Path
) -> None:
    tables = tmp_path / "warehouse"
    (tmp_path / "catalog.txt").write_text("x")
    for arguments, said in [
        (nightly(f"{tmp_path}/absent.jsonl", str(tables)), "absent.jsonl: there is no such file"),
        (nightly(f"{tmp_path}/catalog.txt", str(tables)), "catalog.txt: the suffix must be .jsonl"),
        (nightly(good, str(tables), "--set", "neighbors.K=3"), "unknown key neighbors.K; the nearest is neighbors.k"),
        (nightly(good, str(tables), "--set", "neighbors.k"), "write KEY=VALUE"),
        (nightly(good, str(tables), "--config", f"{tmp_path}/absent.yaml"), "cannot read"),
        (nightly(good, str(tables), "--set", f"catalog.test_list={tmp_path}/absent.txt"), "absent.txt: there is no"),
        (nightly(good, str(tables), "--set", f"semantic.sessions={tmp_path}/no.jsonl"), "no.jsonl: there is no"),
        (nightly(good, str(tables), "--elasticsearch", "localhost"), "Elasticsearch URL"),
        (nightly(good, f"{good}/warehouse"), "Not a directory"),
        (nightly("s3a://[bad/k.jsonl", str(tables)), "s3a://[bad/k.jsonl: "),
        (nightly(good, str(tables), "--set", "seed=-1"), "seed is -1"),
    ]:
        assert said in one_line(autotag(*arguments), 2)
        assert not tables.exists()


def test_a_sample_of_rows_alone_has_no_gifs_and_nothing_broken(autotag: Command, tmp_path: Path) -> None:
    rows_only = ("sample", "--out", str(tmp_path / "rows"), "--gifs", "3", "--messy", "0.5", "--rows-only")
    assert autotag(*rows_only)[0] == 0
    written = {path.name for path in (tmp_path / "rows").iterdir()}
    assert written >= {"catalog.jsonl", "tag_truth.jsonl", "entities.jsonl", "sessions.jsonl"}
    assert "gifs" not in written
    assert "--rows-only and --broken: one at a time" in one_line(autotag(*rows_only, "--broken", "1"), 2)


def test_a_bucket_that_is_not_there_and_wrong_keys_are_one_line_and_exit_code_2(
    autotag: Command, good: str, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = "s3a://never-made/x"
    for arguments in (
        nightly(f"{missing}.jsonl", str(tmp_path / "w")),
        nightly(good, missing),
        ("runs", "--warehouse", missing),
        ("explain", "--warehouse", missing, "a"),
        ("rollback", "--warehouse", missing, "r1"),
        ("evaluate", "--warehouse", missing, "--truth", "x"),
    ):
        assert "the bucket does not exist: check its name" in one_line(autotag(*arguments), 2)
    assert "no such object" in one_line(autotag(*nightly(f"{bucket}/catalog.jsonl", str(tmp_path / "w"))), 2)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "0" * 40)
    storage.files._s3_client.cache_clear()
    try:
        for arguments in (nightly(good, bucket), ("runs", "--warehouse", bucket)):
            message = one_line(autotag(*arguments), 2)
            assert "the secret key is wrong" in message
            assert "0" * 40 not in message and os.environ["AWS_ACCESS_KEY_ID"] not in message
    finally:
        storage.files._s3_client.cache_clear()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("name", sorted(name for name, one in COMMANDS.items() if "warehouse" in str(one.params)))
def test_each_command_refuses_a_warehouse_that_a_library_would_choke_on(name: str, autotag: Command, good: str) -> None:
    more = {
        "nightly": ("--catalog", good),
        "evaluate": ("--truth", good),
        "explain": ("a",),
        "rollback": ("r1",),
        "related": ("cat",),
        "related-evaluate": ("--sessions", good),
    }
    for place, said in (("/data/a^b", "'^' (U+005E)"), ("s3a://gifs/a#b", "'#' (U+0023)"), ("gs://gifs/a", "gs: URIs")):
        assert said in one_line(autotag(name, *more.get(name, ()), "--warehouse", place), 2)


class PanicError(BaseException):
    """As pyo3 raises what a library in Rust panics with: no Exception."""


def test_a_library_that_panics_is_one_line_and_an_exit_code(
    autotag: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def panic(*_: object) -> None:
        raise PanicError("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr("autotag_core.warehouse.unended_runs.all_runs", panic)
    assert "PanicError: called `Option::unwrap()`" in one_line(autotag("runs", "--warehouse", str(tmp_path)), 1)


def test_a_credential_in_any_uri_is_refused_and_not_repeated(autotag: Command, good: str, tmp_path: Path) -> None:
    uri = "s3a://AKIA1:se/cret@gifs/x"
    settings = ("imagenet.weights", "temporal.weights", "temporal.moments_weights", "text.weights", "semantic.sessions")
    for arguments in (
        nightly(f"{uri}.jsonl", str(tmp_path / "w")),
        nightly(f"{uri}.txt", str(tmp_path / "w")),
        *(nightly(good, str(tmp_path / "w"), "--set", f"{setting}={uri}") for setting in settings),
        ("experts", "--set", f"imagenet.weights={uri}"),
        ("experts", "--set", f"imagenet.weights=[{uri}]"),
        nightly(good, uri),
        nightly(good, str(tmp_path / "w"), "--set", f"catalog.test_list={uri}"),
        nightly(good, str(tmp_path / "w"), "--elasticsearch", "http://AKIA1:se/cret@localhost:9200"),
        ("runs", "--warehouse", uri),
        ("explain", "--warehouse", uri, "a"),
        ("rollback", "--warehouse", uri, "r1"),
        ("evaluate", "--warehouse", uri, "--truth", "x"),
        ("sample", "--out", uri, "--gifs", "1"),
    ):
        message = one_line(autotag(*arguments), 2)
        assert "AKIA1" not in message and "cret@" not in message, arguments


def test_the_experts_are_listed_with_their_models_licences_and_what_is_missing(
    autotag: Command, tmp_path: Path
) -> None:
    code, out, err = autotag("experts")
    imagenet, temporal, semantic, *_, note = out.splitlines()
    assert (code, err, note) == (0, "", "* votes")
    assert imagenet.startswith("* imagenet  efficientnet_lite0-579344248a93-onnxruntime-fp32  1280-d  licence: ")
    assert "Apache 2.0" in imagenet and imagenet.endswith("  present")
    assert temporal.startswith("* temporal  fitted on the catalog") and "  448-d  " in temporal
    assert semantic.split("  ")[:2] == ["* semantic", "fitted on the catalog"] and "64-d" in semantic
    (tmp_path / "autotag.yaml").write_text("experts: [semantic]\nimagenet: {backbone: resnet50}\n")
    arguments = ("--config", str(tmp_path / "autotag.yaml"), "--set", "imagenet.weights=/nowhere/r50.safetensors")
    code, out, _ = autotag("experts", *arguments)
    assert code == 0, "a list of what is missing is no failure"
    assert out.splitlines()[0].startswith("  imagenet  no model  ")
    assert out.splitlines()[0].endswith("  missing: weights /nowhere/r50.safetensors: No such file or directory")
    _, out, _ = autotag("experts", *arguments, "--json")
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    assert (rows["imagenet"]["chosen"], rows["imagenet"]["model_version"]) == (False, None)
    assert rows["imagenet"]["dimension"] == 2048 and "r50.safetensors" in rows["imagenet"]["missing"]
    assert (rows["semantic"]["chosen"], rows["semantic"]["missing"]) == (True, None)
    assert "unknown key imagenet.k" in one_line(autotag("experts", "--set", "imagenet.k=1"), 2)


def test_ablate_and_compare_are_refused_together_before_anything_is_read(autotag: Command, tmp_path: Path) -> None:
    arguments = ("--warehouse", str(tmp_path / "w"), "--truth", str(tmp_path / "absent"), "--ablate", "--compare")
    assert "--ablate and --compare: one at a time" in one_line(autotag("evaluate", *arguments), 2)


START = datetime(2026, 11, 22, 1, 0, 0, tzinfo=UTC)


def record(run_id: str, status: str = "published", **changes: object) -> RunRecord:
    of = run_id if status == "published" else None
    finished = START.replace(minute=30)
    return replace(RunRecord(run_id, START, finished, status, release_of=of), **changes)  # type: ignore[arg-type]


def test_only_gifs_of_the_truth_are_read_to_be_measured(
    autotag: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = str(tmp_path / "w")
    gif = {"tags": ["cat"], "editorial_tags": [], "split": "train"}
    tag = {"tag": "cat", "confidence": 1.0, "score": 0.5, "source": "confirmed"}
    rows = {"catalog": gif, "voted_tags": tag}
    for name, row in rows.items():
        table = pa.Table.from_pylist([row | {"gif_id": gif_id} for gif_id in "abc"], TABLES[name].plain_schema)
        write_deltalake(warehouse.table_uri(uri, name), table)
    warehouse.append_run(uri, record("r1", table_versions=dict.fromkeys(rows, 0)))
    (tmp_path / "truth.jsonl").write_text('{"gif_id": "b", "tags": ["cat"]}\n')
    read: list[pa.Table] = []
    real = warehouse.read_table
    monkeypatch.setattr(warehouse, "read_table", lambda *given: read.append(real(*given)) or read[-1])
    arguments = ("evaluate", "--warehouse", uri, "--truth", str(tmp_path / "truth.jsonl"), "--json")
    code, out, _ = autotag(*arguments)
    assert code == 0 and json.loads(out)["overall"]["precision_at_1"] == 1.0
    assert [table["gif_id"].to_pylist() for table in read] == [["b"], ["b"]]


def test_runs_are_listed_with_the_current_release_marked(autotag: Command, tmp_path: Path) -> None:
    uri = str(tmp_path)
    assert "no run was ever recorded here" in one_line(autotag("runs", "--warehouse", uri), 2)
    warehouse.append_run(uri, record("r0", "failed", message="disk full\nat line 3"))
    code, out, _ = autotag("runs", "--warehouse", uri)
    assert (code, out.splitlines()) == (
        0,
        ["  r0  2026-11-22 01:30  failed          30.0 min  disk full", "no run has been published yet"],
    )
    warehouse.append_run(uri, record("r1", rows_out={"documents": 7}, failures={"frames:not_found": 2}))
    warehouse.append_run(uri, record("r2", "not_published", message="too many failed"))
    _, out, err = autotag("runs", "--warehouse", uri)
    assert err == ""
    assert out.splitlines()[1:] == [
        "* r1  2026-11-22 01:30  published       30.0 min  7 GIFs, 2 failures",
        "  r2  2026-11-22 01:30  not_published   30.0 min  too many failed",
        "* what readers see",
    ]
    warehouse.append_run(uri, record("r1", "failed", message="interrupted"))
    _, out, _ = autotag("runs", "--warehouse", uri)
    assert [line[0] for line in out.splitlines()] == [" ", "*", " ", " ", "*"], "one row is current, not one run"
    _, out, _ = autotag("runs", "--warehouse", uri, "--json")
    assert [line.partition('"run_id": ')[2][:4] for line in out.splitlines()] == ['"r0"', '"r1"', '"r2"', '"r1"']


def test_a_full_disk_is_one_line_even_if_no_traceback_can_be_kept(
    autotag: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr("autotag_core.warehouse.unended_runs.all_runs", full)
    assert f"error: {tmp_path}: the disk is full (" in one_line(autotag("runs", "--warehouse", "w"), 1)
    monkeypatch.setattr("tempfile.mkstemp", full)
    monkeypatch.setattr("autotag_core.warehouse.unended_runs.all_runs", lambda _: 1 / 0)
    assert "ZeroDivisionError" in one_line(autotag("runs", "--warehouse", "w"), 1)


def test_a_run_that_was_killed_is_listed_as_died(autotag: Command, tmp_path: Path) -> None:
    uri, child = str(tmp_path), subprocess.Popen(["true"])
    lease.take(uri, "r1")
    _, out, _ = autotag("runs", "--warehouse", uri)
    assert "r1" in out.splitlines()[0] and "  running  " in out
    (note,) = (tmp_path / "_lease").iterdir()
    note.write_text(json.dumps(json.loads(note.read_text()) | {"pid": child.pid}))
    child.wait()
    code, out, err = autotag("runs", "--warehouse", uri)
    assert (code, err) == (0, "")
    first, last = out.splitlines()
    assert "  died             0.0 min  was killed, or its machine stopped: process " in first
    assert last == "no run has been published yet"


def test_no_command_prints_the_control_characters_of_a_catalog(autotag: Command, tmp_path: Path) -> None:
    uri, hostile = str(tmp_path), "row \x1b[2J\u202e\x9b \x1b]0;t\x07"
    facts = {"message": f"{hostile}\nmore", "gates": {next(iter(GATES)): f"{hostile}\nmore"}, "seconds": {"votes": 1.0}}
    warehouse.append_run(uri, record("r1", "not_published", **facts))
    for arguments in (("runs",), ("runs", "--json"), ("gates",), ("stages",)):
        code, out, err = autotag(*arguments, "--warehouse", uri)
        assert (code, err) == (0, "") and out.replace("\n", "").isprintable(), arguments
        assert "\nmore" not in out
    code, out, err = autotag("explain", "--warehouse", uri, hostile)
    assert code == 2 and err.rstrip("\n").isprintable()


def test_the_stages_are_listed_with_what_they_read_and_what_the_last_night_took(
    autotag: Command, tmp_path: Path
) -> None:
    code, out, _ = autotag("stages")
    lines = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert code == 0 and lines[0] == ["stage", "reads", "writes", "runs on", "cost grows with"]
    assert ["weights", "catalog, neighbors", "expert_weights", "tasks", "validation GIFs"] in lines
    uri, when = str(tmp_path / "warehouse"), datetime(2026, 1, 1, tzinfo=UTC)
    assert "no run" in autotag("stages", "--warehouse", uri)[2]
    for run_id, seconds in (("r1", 7.0), ("r2", 9.25)):
        facts = {"rows_in": {"votes": 5}, "rows_out": {"votes": 12}, "seconds": {"votes": seconds}}
        warehouse.append_run(uri, RunRecord(run_id, when, when, warehouse.FAILED, **facts))
    code, out, _ = autotag("stages", "--warehouse", uri)
    (votes,) = [line.split() for line in out.splitlines() if line.startswith("votes")]
    assert code == 0 and votes[-3:] == ["5", "12", "9.2"] and "run r2, failed" in out
    assert "run r1, failed" in autotag("stages", "--warehouse", uri, "--run", "r1")[1]


def test_a_rollback_is_said_and_seen(autotag: Command, tmp_path: Path) -> None:
    for run_id in ("r1", "r2"):
        warehouse.append_run(str(tmp_path), record(run_id))
    code, out, _ = autotag("rollback", "--warehouse", str(tmp_path), "r1")
    assert code == 0 and "readers now see run r1 again" in out
    assert warehouse.current_release(str(tmp_path)).release_of == "r1"
    assert "search was left" not in out
    warehouse.append_run(str(tmp_path), record("r3", elasticsearch_index="gifs-r3"))
    _, out, _ = autotag("rollback", "--warehouse", str(tmp_path), "r3")
    assert "search was left where it is: give --elasticsearch URL and --index ALIAS to move it to gifs-r3" in out
    assert "run r9 published nothing" in one_line(autotag("rollback", "--warehouse", str(tmp_path), "r9"), 2)
    arguments = ("rollback", "--warehouse", str(tmp_path), "r1", "--elasticsearch", "http://localhost:1")
    assert "published without Elasticsearch" in one_line(autotag(*arguments), 2)


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (InputError("x.jsonl: no\n  such file"), 2, "error: x.jsonl: no such file\n"),
        (NotPublishedError("too many"), 3, "error: too many\n"),
        (AutotagError("no"), 1, "error: no\n"),
        (InputError("s3a://AKIA1:se/cret@gifs/x: no"), 2, "error: s3a://gifs/x: no\n"),
        (RuntimeError("Job aborted\nautotag_core.errors.InputError: no GPU\n\tat a.b"), 2, "error: no GPU\n"),
        (RuntimeError("x\nautotag_core.errors.NotPublishedError: too many\n"), 3, "error: too many\n"),
        (KeyboardInterrupt(), 130, "stopped: readers see what was published last\n"),
        (SystemExit(130), 130, "stopped: readers see what was published last\n"),
        (SystemExit(143), 143, "stopped: readers see what was published last\n"),
        (SystemExit(0), 0, ""),
    ],
)
def test_each_kind_of_end_has_its_exit_code_and_one_line(
    error: BaseException, exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, cli.explained():
        raise error
    assert (ended.value.code, capsys.readouterr().err) == (exit_code, said)


def test_what_nobody_expected_is_one_line_that_names_where_its_traceback_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended, cli.explained():
        raise ValueError("first line\nsecond line of s3a://AKIA1:se/cret@gifs")
    message = capsys.readouterr().err
    kept = Path(message.partition("full traceback: ")[2].rstrip(")\n"))
    assert ended.value.code == 1
    assert message.startswith("error: ValueError: first line (") and message.count("\n") == 1
    assert "second line" in kept.read_text() and "Traceback" in kept.read_text()
    assert kept.read_text().count("Traceback") == 1 and "cret" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0, "a traceback may show paths and values: for the caller only"


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_with_one_line(number: signal.Signals, exit_code: int) -> None:
    script = (
        "import sys, time, typer; from jobs.commands import app; command = app.app.command('wait')\n"
        "command(lambda: (print('ready', flush=True), time.sleep(60)))\n"
        "app.main(['wait'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (exit_code, "stopped: readers see what was published last\n")
