"""One input of a build that is not known to be the same: the noun."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version


class InputKind(str, enum.Enum):
    """Which part of the build inputs it is."""

    NAME = "name"
    VERSION = "version"
    BUILD_TAG = "build-tag"
    CONFIG_SETTING = "config-setting"
    PATCH = "patch"
    PATCH_ORDER = "patch-order"
    SOURCE = "source"
    BACKEND = "backend"
    INTERPRETER = "interpreter"
    TOOLCHAIN = "toolchain"
    VARIABLE = "environment-variable"
    REQUIREMENT = "build-requirement"
    SYSTEM_PACKAGE = "system-package"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange:
    """One input that is not known to be the same."""

    kind: InputKind
    name: str
    """Of the setting, variable, patch, tool or distribution; empty where the kind has but one."""
    old: str | None
    """None: there was none."""
    new: str | None
    excuse: str | None = None
    """Why the wheel would come out the same all the same; None: it may not."""
    detail: str | None = None
    """What more is known of a change without an excuse."""


def needs_rebuild(changes: Collection[InputChange]) -> bool:
    """Whether a change is without an excuse."""
    return any(each.excuse is None for each in changes)


def is_same_version(old: str, new: str) -> bool:
    """Whether backends spell both alike (PEP 440, Normalization)."""
    try:
        return str(Version(old)) == str(Version(new))
    except InvalidVersion:
        return old == new
