"""The bill names every line of both locks with its hashes, and CycloneDX's own schema takes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from autotag_core.errors import AutotagError
from autotag_core.local_machine.cache import LOCK, PROJECT
from autotag_core.operations.bill_of_materials import bill_of_materials, main


def test_every_package_and_jar_of_the_locks_is_in_it_with_its_hashes(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "new" / "bom.json")]) == 0
    text = (tmp_path / "new" / "bom.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = {one["purl"]: {hashed["content"] for hashed in one["hashes"]} for one in json.loads(text)["components"]}
    lock = (PROJECT / "requirements.lock").read_text()
    pinned = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    jars = [line.split()[1:] for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    assert len(pinned) > 100 and len(jars) > 100
    assert {f"pkg:pypi/{name.lower().replace('_', '-')}@{version}" for name, version in pinned} | {
        f"pkg:maven/{group}/{artifact}@{version}?type={extension}".replace("+", "%2B")
        for group, artifact, version, extension in (re.split("[:@]", coordinate) for coordinate, _ in jars)
    } == set(found)
    assert set().union(*found.values()) == {*re.findall(r"sha256:(\w+)", lock), *(sha256 for _, sha256 in jars)}


def test_literal_locks_give_literal_components(tmp_path: Path) -> None:
    packages, jars = tmp_path / "requirements.lock", tmp_path / "jars.lock"
    hashes = " \\\n    ".join(f"--hash=sha256:{letter * 64}" for letter in "ab")
    packages.write_text(f"# by hand\nnumpy==1.2 ; python_version >= '3.11' \\\n    {hashes}\n")
    jars.write_text(f"jars/spark org.x:y:3@jar {'c' * 64}\njars/delta org.x:y:3@jar {'c' * 64}\n")
    first, second = (json.loads(bill_of_materials(packages, jars)) for _ in range(2))
    assert first["serialNumber"] == second["serialNumber"]
    package, jar = sorted(first["components"], key=lambda one: one["name"])
    assert package["purl"] == "pkg:pypi/numpy@1.2"
    assert sorted(one["content"][0] for one in package["hashes"]) == ["a", "b"]
    assert package["properties"] == [{"name": "autotag:marker", "value": 'python_version >= "3.11"'}]
    assert (jar["group"], jar["name"], jar["version"]) == ("org.x", "y", "3")
    assert jar["properties"] == [{"name": "autotag:folders", "value": "jars/delta jars/spark"}]


def test_a_package_without_a_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("numpy==1.2\n")
    (tmp_path / "jars.lock").write_text("")
    with pytest.raises(AutotagError, match=r"numpy==1\.2 has no hash: run `make lock`"):
        bill_of_materials(tmp_path / "requirements.lock", tmp_path / "jars.lock")


def test_a_wrong_call_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", "x"]) == 2
    assert capsys.readouterr().err.startswith("sbom: usage: ")
