"""A warehouse and an alias that are brought back to the first of two nights after each trial."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autotag_core import warehouse
from benchmarks.chaos.house import Ended, House, night_words, write_catalogs
from benchmarks.chaos.proxy import Fault
from benchmarks.chaos.result import NONE, Differences, Result
from benchmarks.chaos.saved import Saved
from benchmarks.chaos.seen import State, differences, differing, search_differences, state
from benchmarks.chaos.strikes import Moment, Strike

NEW_INDEX, IN_PLACE = "elasticsearch.max_changed_share=0", "elasticsearch.max_changed_share=1"


@dataclass(frozen=True)
class Kind:
    """Of which nights."""

    folder: str
    alias: str
    settings: tuple[str, ...] = ()
    num_gifs: int | None = None
    rows_only: bool = False


class Nights:
    """What two undisturbed nights show (`known`: old and new), and a place where the first one is published."""

    def __init__(self, house: House, kind: Kind) -> None:
        house.start_s3()
        self.house, self.kind = house, kind
        self.place, undisturbed = f"{kind.folder}/w", f"{kind.folder}/undisturbed"
        count = {} if kind.num_gifs is None else {"num_gifs": kind.num_gifs}
        self.catalogs = write_catalogs(f"{kind.folder}/catalog", rows_only=kind.rows_only, **count)
        self._other = f"{kind.alias}-undisturbed"
        self.known: dict[str, State] = {}
        proxied = house.search_proxy.url
        for name, catalog in zip(("old", "new"), self.catalogs, strict=True):
            words = night_words(catalog, undisturbed, (*kind.settings, NEW_INDEX), (proxied, self._other))
            must(house.run(*words))
            self.known[name] = state(undisturbed, (house.search.url, self._other))
        seconds = warehouse.list_runs(undisturbed)[-1].seconds
        self.stages = [name for name in seconds if ":" not in name]  # others are parts of a stage
        must(house.run(*self.words(0, [NEW_INDEX])))
        self.first = warehouse.current_release(self.place).run_id
        # by the proxy: a server that is started again has another URL
        self._saved = Saved(self.place, f"{kind.folder}/saved", (proxied, kind.alias))

    @property
    def search(self) -> tuple[str, str]:
        """The URL of the server now, and the alias."""
        return self.house.search.url, self.kind.alias

    def words(self, number: int, settings: Sequence[str] = ()) -> list[str]:
        """The words of the first or second night."""
        there = (self.house.search_proxy.url, self.kind.alias)
        return night_words(self.catalogs[number], self.place, (*self.kind.settings, *settings), there)

    def rollback_words(self) -> list[str]:
        """The words of the way back to the first night."""
        there = ["--elasticsearch", self.house.search_proxy.url, "--index", self.kind.alias]
        return ["rollback", "--warehouse", self.place, *there, self.first]

    def back(self) -> None:
        """Bring tables and search back to the first night, whatever a trial has left."""
        self._saved.restore()

    def now(self) -> State:
        """What readers see."""
        return state(self.place, (self.house.search.url, self.kind.alias))

    def disturbed(self, words: Sequence[str], fault: Fault) -> Ended:
        """The command to its end, with the fault before both servers."""
        with self.house.calm():
            self.house.s3_proxy.fault = self.house.search_proxy.fault = fault
            return self.house.run(*words)

    def killed(self, words: Sequence[str], at: Moment | str) -> bool:
        """Start the command and kill it there. False where it never came there."""
        if isinstance(at, str):
            command = self.house.start(*words)
            was_there = command.when_said(at, command.kill)
            command.wait()
            return was_there
        with self.house.calm():
            strike = Strike(at)
            self.house.s3_proxy.fault = self.house.search_proxy.fault = strike
            command = self.house.start(*words)
            strike.aim(command)
            command.wait()
        return strike.is_done

    def compared(self, seen: State, wanted: str) -> tuple[Differences, str]:
        """The state's rows and documents against those of an undisturbed night, and which tables differ."""
        undisturbed = self.known[wanted].tables
        return differences(seen.tables, undisturbed) + search_differences(seen), differing(seen.tables, undisturbed)


def outcome(ended: Ended, others: str) -> str:
    """How a command ended and what is not as it should be, for the table."""
    said = f"exit {ended.code}" + (f" ({ended.last_line})" if ended.code else "")
    return said + (f", other rows in {others}" if others else "")


def timed(result: Result, start: float) -> Result:
    """The result with the seconds since `start`."""
    return replace(result, seconds=time.monotonic() - start)


def must(ended: Ended) -> None:
    """RuntimeError where a command failed that nothing disturbs."""
    if ended.code:
        raise RuntimeError(f"a command that nothing disturbs ended with {ended.code}: {ended.log[-3000:]}")


def whole(name: str) -> Differences:
    """What a state's name says of how whole it is."""
    return Differences(partial=1) if "neither" in name else NONE
