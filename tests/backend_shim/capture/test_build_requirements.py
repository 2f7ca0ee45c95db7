"""The distributions of the build environment, whoever installed them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from backend_shim.capture.build_requirements import (
    capture_build_requirements,
    installed_distributions,
    normalized,
    provider_of,
    reachable_names,
)
from backend_shim.record.build_inputs import BuildRequirement

RECORD = """\
{name}/__init__.py,sha256=AAAA,3
{name}/core.so,sha256=BBBB,3
../../../include/{name}/api.h,sha256=CCCC,3
{name}-1.0.dist-info/METADATA,sha256=DDDD,3
"""
# What pip, uv and `installer` add, each in its own way and with digests of its own.
BY_INSTALLERS = """\
{name}-1.0.dist-info/RECORD,,
{name}-1.0.dist-info/INSTALLER,sha256=EEEE,4
{name}-1.0.dist-info/REQUESTED,sha256=FFFF,0
{name}-1.0.dist-info/direct_url.json,sha256=GGGG,4
{name}/__pycache__/__init__.cpython-311.pyc,sha256=HHHH,9
../../../bin/{name},sha256=IIII,200
/absolute/elsewhere,sha256=JJJJ,1
"""


def install(
    site: Path,
    name: str,
    *,
    record: str | None = RECORD,
    origin: object = None,
    version: str = "1.0",
) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if record is not None:
        (info / "RECORD").write_text(record.format(name=name))
    if origin is not None:
        (info / "direct_url.json").write_text(
            origin if isinstance(origin, str) else json.dumps(origin)
        )


def captured(site: Path, source: Path | None = None) -> tuple[BuildRequirement, ...]:
    installed = installed_distributions([str(site)], not_in=source or site / "no-tree")
    return capture_build_requirements(installed)


def test_the_digest_is_the_same_whoever_installed(tmp_path: Path) -> None:
    install(tmp_path / "pip", "tool", record=RECORD + BY_INSTALLERS)
    rows = (RECORD + BY_INSTALLERS).splitlines(keepends=True)
    install(tmp_path / "uv", "tool", record="".join(reversed(rows)))
    install(tmp_path / "bare", "tool")
    install(tmp_path / "other", "tool", record=RECORD.replace("BBBB", "XXXX"))
    pip, uv, bare, other = (captured(tmp_path / each) for each in ("pip", "uv", "bare", "other"))
    assert pip == uv == bare
    assert [(each.name, [kind for kind, _ in each.digests]) for each in pip] == [
        ("tool", ["record"])
    ]
    assert pip != other


@pytest.mark.parametrize(
    ("origin", "digests", "editable"),
    [
        ({"archive_info": {"hashes": {"sha256": "a" * 64}}}, {"sha256": "a" * 64}, False),
        ({"archive_info": {"hash": f"sha256={'b' * 64}"}}, {"sha256": "b" * 64}, False),
        ({"archive_info": {"hash": "md5=abc"}}, {}, False),
        ({"vcs_info": {"vcs": "git", "commit_id": "c" * 40}}, {"gitCommit": "c" * 40}, False),
        ({"vcs_info": {"vcs": "git", "commit_id": "https://u:p@h"}}, {}, False),
        ({"dir_info": {"editable": True}}, {}, True),
        ("{", {}, False),
        ("[]", {}, False),
        ({"archive_info": 3}, {}, False),
    ],
)
def test_what_the_installer_noted_is_kept_but_for_the_url(
    origin: object, digests: dict[str, str], editable: bool, tmp_path: Path
) -> None:
    if isinstance(origin, dict):
        origin = {**origin, "url": "https://user:secret@example.org/x"}
    install(tmp_path, "tool", record=None, origin=origin)
    (requirement,) = captured(tmp_path)
    assert dict(requirement.digests) == digests
    assert requirement.is_editable is editable
    assert "secret" not in repr(requirement)


def test_names_are_normalized_sorted_and_the_first_counts(tmp_path: Path) -> None:
    install(tmp_path / "one", "Zope.Interface")
    install(tmp_path / "one", "attrs")
    install(tmp_path / "two", "attrs", version="2.0")
    path = [str(tmp_path / "one"), str(tmp_path / "two")]
    installed = installed_distributions(path, not_in=tmp_path / "tree")
    assert [(each.name, each.version) for each in capture_build_requirements(installed)] == [
        ("attrs", "1.0"),
        ("zope-interface", "1.0"),
    ]
    assert normalized("A__b.-c") == "a-b-c"


def test_the_source_tree_is_no_requirement_but_an_environment_in_it_is(tmp_path: Path) -> None:
    install(tmp_path / "src", "itself")
    assert captured(tmp_path / "src", tmp_path) == ()
    site = tmp_path / ".venv" / "lib" / "site-packages"
    install(site, "tool")
    assert [each.name for each in captured(site, tmp_path)] == ["tool"]


def test_a_directory_without_metadata_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone-1.0.dist-info").mkdir()
    install(tmp_path, "tool", record='a,sha256=A,"broken\n')
    assert [each.name for each in captured(tmp_path)] == ["tool"]


def test_names_by_which_a_binary_reaches_what_is_installed(tmp_path: Path) -> None:
    install(tmp_path, "numpy")
    installed = installed_distributions([str(tmp_path)], not_in=tmp_path / "tree")
    assert "numpy" in reachable_names(installed)


def test_the_provider_of_a_module_is_the_distribution_that_lists_it() -> None:
    installed = installed_distributions(sys.path, not_in=Path("/no/tree"))
    provider = provider_of(pytest, installed)
    assert provider is not None
    assert provider.name == "pytest"
    assert provider_of(ModuleType("made_up"), installed) is None
    assert provider_of(json, installed) is None


@pytest.mark.parametrize("is_linked", ["file", "package", "environment"])
def test_the_provider_of_a_module_that_an_installer_linked_to_its_cache(
    tmp_path: Path, is_linked: str
) -> None:
    cache = tmp_path / "cache"
    (cache / "linked").mkdir(parents=True)
    (cache / "linked" / "__init__.py").touch()
    site = tmp_path / "site"
    if is_linked == "environment":
        site.symlink_to(cache)
    elif is_linked == "package":
        site.mkdir()
        (site / "linked").symlink_to(cache / "linked")
    else:
        (site / "linked").mkdir(parents=True)
        (site / "linked" / "__init__.py").symlink_to(cache / "linked" / "__init__.py")
    install(site, "other", record="other.py,sha256=,0\n")
    install(site, "owner", record="linked/__init__.py,sha256=YQ,0\n")
    module = ModuleType("linked")
    module.__file__ = str(site / "linked" / "__init__.py")
    provider = provider_of(module, installed_distributions([str(site)], not_in=tmp_path / "tree"))
    assert provider is not None
    assert provider.name == "owner"
