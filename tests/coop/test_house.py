"""The house's own order, where no tool keeps it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).resolve().parents[2]
ROOMS = ("coop", "booking", "telemetry", "billing", "dashboards", "moyai", "tests", "bench")
TELLS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def _locked(name: str) -> dict[str, list[Requirement]]:
    """Package → its pins (more than one where Python versions differ)."""
    pins: dict[str, list[Requirement]] = {}
    for line in (HOUSE / name).read_text().splitlines():
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_packages_and_names_no_host_or_path(name: str) -> None:
    for pins in _locked(name).values():
        for pin in pins:
            assert re.fullmatch(r"==[^,*]+", str(pin.specifier)), pin
            assert pin.url is None, pin


def test_the_lock_files_have_all_that_pyproject_asks_for() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    runtime, tests = _locked("requirements.lock"), _locked("requirements-dev.lock")
    asked = {
        "runtime": (project["project"]["dependencies"], runtime),
        "tests": (project["dependency-groups"]["dev"], tests),
    }
    for name, (requirements, locked) in asked.items():
        for requirement in map(Requirement, requirements):
            pins = locked.get(canonicalize_name(requirement.name), [])
            versions = [str(pin.specifier).removeprefix("==") for pin in pins]
            assert versions, f"{requirement.name} is not in the {name} lock file: make lock"
            assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: make lock"


def test_tests_run_on_what_users_run_on() -> None:
    tests = _locked("requirements-dev.lock")
    for name, pins in _locked("requirements.lock").items():
        assert [str(pin) for pin in tests[name]] == [str(pin) for pin in pins], name


def test_every_module_has_a_name_that_says_something() -> None:
    modules = [path for room in ROOMS for path in (HOUSE / room).rglob("*.py") if "node_modules" not in path.parts]
    assert len(modules) > len(ROOMS)
    assert [path for path in modules if path.stem in TELLS_NOTHING] == []
