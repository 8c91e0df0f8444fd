"""What is pinned, is pinned everywhere alike, and says nothing of where it was fetched from."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = [Requirement(line) for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]]


def pins() -> dict[str, Version]:
    lines = (CHECKOUT / "tools/constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_every_declared_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_npm_lock_file_names_packages_and_checksums_but_no_addresses() -> None:
    packages = json.loads((CHECKOUT / "extension/package-lock.json").read_text("utf-8"))["packages"]
    fetched = {name: entry for name, entry in packages.items() if name}
    assert fetched
    assert [name for name, entry in fetched.items() if "resolved" in entry] == []
    assert [name for name, entry in fetched.items() if "integrity" not in entry] == []


@pytest.mark.parametrize("name", ["tools/constraints.txt", "binder/requirements.txt"])
def test_a_list_of_python_packages_holds_no_addresses(name: str) -> None:
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links", (CHECKOUT / name).read_text("utf-8")) == []
