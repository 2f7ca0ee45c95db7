"""The nouns of a judgement over distributions that are used together."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.utils import NormalizedName

from resolver_check.model import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release of a project, and how messages name its wheel."""

    name: NormalizedName
    version: str
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether `consumer` works with `provider` as it is."""

    consumer: Release
    provider: Release
    judgement: Judgement
    is_declared: bool = False
    """The consumer requires the provider, by METADATA or for its build."""
