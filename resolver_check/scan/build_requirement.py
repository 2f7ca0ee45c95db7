"""What the record of a consumer says of the provider as a requirement of its build."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.compare.requirement_changes import is_listing_of
from resolver_check.compare.same_inputs import BuiltFrom
from resolver_check.model import BuildRequirementChanged
from resolver_check.scan.consumer import Consumer
from resolver_check.scan.subject import Subject


def built_from(
    consumer: Consumer, fingerprint: AbiFingerprint, old: Subject | None, new: Subject
) -> BuiltFrom | None:
    """All that the consumer's build read of the provider; None where that is not known.

    Files of an editable install are those of no wheel.
    """
    inputs = consumer.build_inputs
    requirement = _requirement(consumer, new.name)
    if inputs is None or not inputs.capture.is_complete:
        return None
    if requirement is None or requirement.is_editable or not requirement.read:
        return None
    return BuiltFrom(
        read=requirement.read,
        linked=_linked(fingerprint, (new,) if old is None else (old, new)),
        old={} if old is None else old.installed_digests,
        new=new.installed_digests,
        is_old_the_built_with=old is not None and _is_version(requirement, old.version),
    )


def changed_requirement(consumer: Consumer, new: Subject) -> Iterator[BuildRequirementChanged]:
    """A reason where the build had another `new`, or may have had: it is not known what it had."""
    if consumer.build_inputs is None:
        yield BuildRequirementChanged(name=new.name, built=None, version=new.version)
        return
    requirement = _requirement(consumer, new.name)
    if requirement is None or (
        not requirement.is_editable
        and (
            _is_version(requirement, new.version)
            or is_listing_of(requirement, new.installed_digests)
        )
    ):
        return
    yield BuildRequirementChanged(name=new.name, built=requirement.version, version=new.version)


def was_built_with(consumer: Consumer, provider: Subject) -> bool:
    """Whether its record says that the build had exactly the files that the provider has."""
    requirement = _requirement(consumer, provider.name)
    return (
        requirement is not None
        and not requirement.is_editable
        and is_listing_of(requirement, provider.installed_digests)
    )


def _requirement(consumer: Consumer, name: str) -> BuildRequirement | None:
    inputs = consumer.build_inputs
    requirements = () if inputs is None else inputs.requirements
    return next((each for each in requirements if canonicalize_name(each.name) == name), None)


def _is_version(requirement: BuildRequirement, version: str) -> bool:
    """Whether the build had `version`, however it is spelled (PEP 440, Normalization)."""
    try:
        return Version(requirement.version) == Version(version)
    except InvalidVersion:
        return requirement.version == version


def _linked(consumer: AbiFingerprint, providers: tuple[Subject, ...]) -> frozenset[str]:
    """The names of libraries that the consumer's binaries need, and the files of such a name."""
    needed = {posixpath.basename(name) for each in consumer.objects for name in each.needed}
    return frozenset(needed).union(
        posixpath.basename(each.path)
        for provider in providers
        for each in provider.fingerprint().objects
        if each.soname is not None and posixpath.basename(each.soname) in needed
    )
