"""Fetches from Maven repositories with the Ivy that comes inside pyspark."""

from __future__ import annotations

import contextlib
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from autotag_core.errors import AutotagError
from autotag_core.local_machine.children import Child
from autotag_core.local_machine.java import Java
from autotag_core.local_machine.shipped import pyspark_jars
from autotag_core.local_machine.trust import trust_options

TIMEOUT_S = 1200
ATTEMPTS = 3
_PATTERN = "[organisation]~[artifact]~[revision]~.[ext]"


@dataclass(frozen=True)
class Dependency:
    """What to fetch. `transitive`: with everything it depends on, except the groups in `exclude`."""

    group: str
    artifact: str
    version: str
    extension: str = "jar"
    transitive: bool = False
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchedFile:
    """A file that Ivy brought."""

    path: Path
    group: str
    artifact: str
    version: str
    extension: str


@contextlib.contextmanager
def fetched(dependencies: list[Dependency], java: Java, inside: Path) -> Iterator[list[FetchedFile]]:
    """The files, in a temporary folder within `inside` that is removed with the context, and Ivy's own cache with it.

    Tries again when the network fails. A full Java first uses its own authorities, and after a failed handshake the
    machine's. A cut-down Java knows no company's authorities, so it uses the machine's from the start.
    """
    trust_machine = java.lacks_module
    for attempt in range(1, ATTEMPTS + 1):
        child = Child(inside, grace_s=0)
        work = child.folder
        try:
            child.start(_command(dependencies, java, work, trust_machine))
            if child.wait(TIMEOUT_S, "fetching") == 0:
                yield [_parse(path) for path in sorted((work / "files").iterdir())]
                return
            trust_machine = trust_machine or "SSLHandshakeException" in child.log_text()
            if attempt == ATTEMPTS:
                raise AutotagError(
                    f"could not fetch, {ATTEMPTS} times: {_problems(child.log_text()) or child.log_tail()}"
                )
        finally:
            child.stop()


def _command(dependencies: list[Dependency], java: Java, work: Path, trust_machine: bool) -> list[str]:
    resolve = any(dependency.transitive for dependency in dependencies)
    (work / "settings.xml").write_text(_settings(resolve), encoding="utf-8")
    (work / "ivy.xml").write_text(_module(dependencies), encoding="utf-8")
    programs = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not programs:
        raise AutotagError(f"{pyspark_jars()} holds no ivy-*.jar: is this a pyspark from pip?")
    options = [f"-Duser.home={work}", f"-Divy.default.ivy.user.dir={work}/ivy", *_proxy_options()]
    options += trust_options(work) if trust_machine else []
    arguments = ["-settings", "settings.xml", "-ivy", "ivy.xml", "-retrieve", f"files/{_PATTERN}"]
    return [java.program, *options, "-jar", str(programs[-1]), *arguments]


def _settings(resolve: bool) -> str:
    """Ivy's settings. Without `resolve` it asks for the named files only, not for their POMs.

    That takes 17 s instead of 113 for 152 jars. The repository is Maven's central one as Ivy knows it, or
    AUTOTAG_MAVEN_URL. Ivy checks no checksums: the lock does.
    """
    mirror = os.environ.get("AUTOTAG_MAVEN_URL")
    root = f" root={quoteattr(mirror)}" if mirror else ""
    poms = "" if resolve else ' usepoms="false" useMavenMetadata="false"'
    return (
        '<ivysettings><settings defaultResolver="maven"/><property name="ivy.checksums" value=""/>'
        '<caches defaultCacheDir="${ivy.default.ivy.user.dir}/cache"/>'
        f'<resolvers><ibiblio name="maven" m2compatible="true"{poms}{root}/></resolvers></ivysettings>'
    )


def _module(dependencies: list[Dependency]) -> str:
    lines = []
    for it in dependencies:
        names = f"org={quoteattr(it.group)} name={quoteattr(it.artifact)} rev={quoteattr(it.version)}"
        artifact = f'<artifact name={quoteattr(it.artifact)} type="{it.extension}" ext="{it.extension}"/>'
        excluded = "".join(f"<exclude org={quoteattr(group)}/>" for group in it.exclude)
        inner = excluded if it.extension == "jar" else artifact
        transitive = str(it.transitive).lower()
        lines.append(f'<dependency {names} conf="default->default" transitive="{transitive}">{inner}</dependency>')
    return (
        '<ivy-module version="2.0"><info organisation="autotag" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(lines)}</dependencies></ivy-module>"
    )


def _proxy_options() -> list[str]:
    """The proxy of the environment (https_proxy and the like), which Java does not read by itself."""
    options = []
    for scheme, address in urllib.request.getproxies().items():
        proxy = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
        if scheme in ("http", "https") and proxy.hostname:
            options += [f"-D{scheme}.proxyHost={proxy.hostname}", f"-D{scheme}.proxyPort={proxy.port or 80}"]
    return options


def _parse(path: Path) -> FetchedFile:
    group, artifact, version, extension = path.name.split("~")
    return FetchedFile(path, group, artifact, version, extension.removeprefix("."))


def _problems(log: str) -> str:
    marks = ("Server access error", "module not found", "FAILED", "UnknownHost", "not found")
    lines = [line.strip() for line in log.splitlines() if any(mark in line for mark in marks)]
    return "; ".join(dict.fromkeys(line[:300] for line in lines[:6]))
