"""`python -m autotag_core.operations.bill_of_materials`: every package and jar that is installed, as CycloneDX JSON.

It is read from requirements.lock and jars.lock, with their hashes, so nothing is fetched. It needs
cyclonedx-python-lib, which only development installs.
"""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from autotag_core.errors import AutotagError, InputError
from autotag_core.local_machine.cache import LOCK, PROJECT
from autotag_core.local_machine.lock import LockedFile, read_lock

DEFAULT = PROJECT / "dist" / "autotag.cdx.json"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of_materials(packages: Path, jars: Path) -> str:
    """The bill of both locks. AutotagError where a line has no hash, or where the result breaks CycloneDX's schema."""
    bom = Bom()
    # the same locks give the same number
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, packages.read_text("utf-8") + jars.read_text("utf-8"))
    root = Component(
        name="autotag", version=metadata.version("autotag"), type=ComponentType.APPLICATION, bom_ref="autotag"
    )
    bom.metadata.component = root
    for component in (*_packages(packages), *_jars(jars)):
        bom.components.add(component)
    bom.register_dependency(root, bom.components)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise AutotagError(f"the bill breaks CycloneDX's schema: {str(problem).splitlines()[0]}")
    return text + "\n"


def _packages(lock: Path) -> Iterator[Component]:
    """A component for each pinned package. Its hashes are those of every file in which this version is published."""
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):
        line = block.partition("\\")[0].strip()
        if not line or line.startswith(("#", "-")):
            continue
        pinned, hashes = Requirement(line), _HASH.findall(block)
        if not hashes:
            raise AutotagError(f"{lock}: {line} has no hash: run `make lock`")
        version = str(pinned.specifier).removeprefix("==")
        yield _component(
            PackageURL("pypi", None, pinned.name, version),
            hashes,
            {"marker": str(pinned.marker)} if pinned.marker else {},
        )


def _jars(lock: Path) -> Iterator[Component]:
    """A component for each jar or archive. One that is in several folders is there once, and names them."""
    by_coordinate: dict[tuple[str, ...], list[LockedFile]] = {}
    for files in read_lock(lock).values():
        for file in files:
            key = (file.group, file.artifact, file.version, file.extension, file.sha256)
            by_coordinate.setdefault(key, []).append(file)
    for (group, artifact, version, extension, sha256), files in by_coordinate.items():
        url = PackageURL("maven", group, artifact, version, {"type": extension})
        yield _component(url, [sha256], {"folders": " ".join(sorted(file.folder for file in files))})


def _component(url: PackageURL, hashes: list[str], properties: dict[str, str]) -> Component:
    return Component(
        name=url.name,
        group=url.namespace,
        version=url.version,
        type=ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        properties=[Property(name=f"autotag:{name}", value=value) for name, value in properties.items()],
    )


def main(arguments: list[str]) -> int:
    """Write the bill to --out FILE."""
    try:
        if arguments and (len(arguments) != 2 or arguments[0] != "--out"):
            raise InputError("usage: python -m autotag_core.operations.bill_of_materials [--out FILE]")
        out = Path(arguments[1]) if arguments else DEFAULT
        text = bill_of_materials(PROJECT / "requirements.lock", LOCK)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except (AutotagError, OSError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, AutotagError) else 1
    print(f"{out}: {text.count('purl')} packages and jars")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
