"""One run at a time writes a warehouse: of many that ask at once one may, a dead one's lease is taken over."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotag_core import outages, storage
from autotag_core.errors import InputError, NotPublishedError, OutageError
from autotag_core.warehouse import lease


@pytest.fixture(params=["local", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{tmp_path}/w" if request.param == "local" else f"{request.getfixturevalue('bucket')}/w"


def ask(warehouse: str, run_id: str) -> str | None:
    """The run_id, where it got the lease."""
    try:
        return lease.take(warehouse, run_id).holder.run_id
    except NotPublishedError:
        return None


def test_of_sixteen_that_ask_at_once_one_gets_it_thirty_times(anywhere: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        for race in range(30):
            uri = f"{anywhere}{race}"
            winners = [won for won in pool.map(lambda n, uri=uri: ask(uri, f"run-{n}"), range(16)) if won]
            assert len(winners) == 1
            assert lease._newest(uri)[1].run_id == winners[0]


def test_of_sixteen_that_find_a_dead_ones_lease_at_once_one_gets_it(
    anywhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease.take(anywhere, "dead")
    real = storage.read_with_age

    def aged(uri: str) -> tuple[bytes, float]:
        data, age_s = real(uri)
        return data, age_s + 1000 * (b'"dead"' in data)

    monkeypatch.setattr(storage, "read_with_age", aged)
    with ThreadPoolExecutor(16) as pool:
        winners = [won for won in pool.map(lambda n: ask(anywhere, f"run-{n}"), range(16)) if won]
    assert len(winners) == 1


def test_the_second_is_told_who_writes_and_comes_in_when_that_one_is_done(anywhere: str) -> None:
    with lease.held(anywhere, "first") as held:
        held.check()
        with pytest.raises(NotPublishedError) as caught, lease.held(anywhere, "second"):
            pass
        said = str(caught.value)
        assert (
            f"run first writes it, process {os.getpid()} on {held.holder.host}, since " in said
            and "try again in" in said
        )
    with lease.held(anywhere, "third") as held:
        assert held.number == 2


def test_a_run_that_gives_no_sign_of_life_loses_it_and_publishes_nothing(
    anywhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_S", 6.0)
    silent = lease.take(anywhere, "silent")
    with pytest.raises(NotPublishedError):
        lease.take(anywhere, "early")
    time.sleep(7.2)  # S3 tells times in whole seconds
    later = lease.take(anywhere, "later")
    silent.beat()  # it wakes up
    with pytest.raises(NotPublishedError, match="run later has taken it over"):
        silent.check()
    later.check()


def test_a_run_that_lives_keeps_it(anywhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE_S", 6.0)
    monkeypatch.setattr(lease, "HEARTBEAT_S", 0.2)
    with lease.held(anywhere, "first") as held:
        time.sleep(7.2)
        with pytest.raises(NotPublishedError):
            lease.take(anywhere, "second")
        held.check()


def hold(uri: str) -> None:
    lease.take(uri, "killed")
    os.kill(os.getpid(), 9)


def test_the_lease_of_a_killed_process_ends_at_once_here_and_by_itself_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "elsewhere"):
        process = multiprocessing.get_context("spawn").Process(target=hold, args=(f"{tmp_path}/{name}",))
        process.start()
        process.join()
    assert ask(f"{tmp_path}/here", "early") == "early"
    monkeypatch.setattr("socket.gethostname", lambda: "another machine")
    assert ask(f"{tmp_path}/elsewhere", "early") is None
    monkeypatch.setattr(lease, "LEASE_S", 0.0)
    assert ask(f"{tmp_path}/elsewhere", "later") == "later"


def test_old_leases_are_deleted_and_a_strange_file_is_said(anywhere: str) -> None:
    for number in range(5):
        with lease.held(anywhere, f"run-{number}"):
            pass
    assert len(storage.list_files(f"{anywhere}/_lease")) <= 2
    storage.write_bytes(lease._uri(anywhere, 99), b"what?")
    with pytest.raises(InputError, match=r"000000000099\.json: not a lease: delete it if no run writes"):
        lease.take(anywhere, "run")


def test_a_file_is_created_once(anywhere: str) -> None:
    assert storage.create_file(f"{anywhere}/x", b"one") and not storage.create_file(f"{anywhere}/x", b"two")
    data, age_s = storage.read_with_age(f"{anywhere}/x")
    assert data == b"one" and -2 < age_s < 60
    assert [uri.rpartition("/")[2] for uri in storage.list_files(anywhere)] == ["x"]


def test_refused_signs_of_life_are_an_outage_until_the_run_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(outages, "OUTAGE_S", 0.3)
    monkeypatch.setattr(outages, "tell", lambda error: told.append(str(error)))
    monkeypatch.setattr(lease, "HEARTBEAT_S", 0.05)

    def refuse(uri: str, *_: object, **__: object) -> None:
        raise OutageError(f"{uri}: no answer")

    for is_published, expected in ((False, 1), (True, 0)):
        told.clear()
        with lease.held(f"{tmp_path}/{is_published}", "run") as held:
            if is_published:
                held.settle()
            with monkeypatch.context() as patch:
                patch.setattr(storage, "write_bytes", refuse)
                time.sleep(1)
        assert len(told) == expected and all("_lease/000000000001.json" in said for said in told)


def test_a_lease_whose_sign_of_life_gets_no_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = lease.take(str(tmp_path), "run")
    monkeypatch.setattr(storage, "write_bytes", lambda *_, **__: time.sleep(5))
    threading.Thread(target=silent.beat, daemon=True).start()
    time.sleep(0.2)
    start = time.monotonic()
    silent.give_back()
    assert time.monotonic() - start < 3
