"""What differs between the inputs of two builds, and which differences cannot come out otherwise.

Two values are the same only where both are known: what is hidden in a record (`{redacted}`, a
foreign directory, a host) and what no digest covers (an editable install) counts as changed.

What only a finished build knows is not compared: the read set, commands, what the binaries tell of
the tools that made them. Packages of the operating system are where both sides have some.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from itertools import chain

from backend_shim.record.build_inputs import (
    Backend,
    BuildInputs,
    ConfigValue,
    Patch,
    SourceTree,
)
from backend_shim.record.build_machine import Interpreter, Library, Tool
from backend_shim.record.read_set import SystemPackage
from resolver_check.compare.changed_input import InputChange, InputKind, is_same_version
from resolver_check.compare.requirement_changes import Digests, RequirementChanges, Tokens

# Placeholders that stand for what only one machine knows; and a config setting that is no text,
# which is named by its type. `{source}` and its like name the same place in every build.
_HIDDEN = re.compile(
    r"\{(?:redacted|path|host)\}"
    r"|(?:\A|')\{(?!(?:source|home|tmp|prefix|base_prefix)\})\w+\}(?:'|\Z)"
)


def input_changes(
    old: BuildInputs,
    new: BuildInputs,
    *,
    new_digests: Digests,
    tokens: Tokens,
    linked: Collection[str],
    strict: bool,
) -> tuple[InputChange, ...]:
    """The inputs of the build of now that are not known to be those of the recorded one.

    `new_digests` is asked for what was installed of both sides: without the old files nobody knows
    which have come; `tokens` likewise for files that differ. `linked` are the names of libraries
    that binaries of the wheel need. With `strict` no change of a build requirement is excused.
    """
    requirements = RequirementChanges(
        capture=old.capture, digests=new_digests, tokens=tokens, linked=linked, strict=strict
    )
    return tuple(
        chain(
            _release(old, new),
            _named(InputKind.CONFIG_SETTING, _settings(old), _settings(new)),
            _patches(old.patches, new.patches),
            _one(InputKind.SOURCE, "", _source_text(old.source), _source_text(new.source)),
            _backend(old, new),
            _interpreter(old.interpreter, new.interpreter),
            _toolchain(old, new),
            _named(InputKind.VARIABLE, dict(old.environment), dict(new.environment)),
            requirements.changes(old.requirements, new.requirements),
            _system_packages(old.system_packages, new.system_packages),
        )
    )


def _one(kind: InputKind, name: str, old: str | None, new: str | None) -> Iterator[InputChange]:
    """A change where the two texts differ or hide something."""
    if old != new or (old is not None and _HIDDEN.search(old)):
        yield InputChange(kind=kind, name=name, old=old, new=new)


def _named(
    kind: InputKind, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[InputChange]:
    for name in sorted({*old, *new}):
        yield from _one(kind, name, old.get(name), new.get(name))


def _release(old: BuildInputs, new: BuildInputs) -> Iterator[InputChange]:
    yield from _one(InputKind.NAME, "", old.name, new.name)
    if not is_same_version(old.version, new.version):
        yield from _one(InputKind.VERSION, "", old.version, new.version)
    # Before a build nobody knows its tag: front ends and farms add one later.
    if new.build_tag is not None:
        yield from _one(InputKind.BUILD_TAG, "", old.build_tag, new.build_tag)


def _settings(inputs: BuildInputs) -> dict[str, str]:
    return {key: _setting_text(value) for key, value in inputs.config_settings}


def _setting_text(value: ConfigValue) -> str:
    """Text as it is, but for such as reads like a list."""
    if isinstance(value, str):
        return repr(value) if value.startswith("[") else value
    return f"[{', '.join(map(repr, value))}]"


def _patches(old: tuple[Patch, ...], new: tuple[Patch, ...]) -> Iterator[InputChange]:
    before, after = _digests_by_name(old), _digests_by_name(new)
    yield from _named(InputKind.PATCH, before, after)
    if before == after and old != new:
        names = (", ".join(patch.name for patch in patches) for patches in (old, new))
        yield InputChange(kind=InputKind.PATCH_ORDER, name="", old=next(names), new=next(names))


def _digests_by_name(patches: tuple[Patch, ...]) -> dict[str, str]:
    """A patch from outside the tree is named by its file only, so a name may stand twice."""
    found: dict[str, list[str]] = {}
    for patch in patches:
        found.setdefault(patch.name, []).append(f"sha256:{patch.sha256}")
    return {name: ", ".join(sorted(digests)) for name, digests in found.items()}


def _source_text(source: SourceTree) -> str:
    return f"sha256:{source.sha256} ({source.files} files, listed by {source.listed_by})"


def _backend(old: BuildInputs, new: BuildInputs) -> Iterator[InputChange]:
    """The backend; its version is that of a build requirement wherever it came from one."""
    listed = {each.name for each in old.requirements} & {each.name for each in new.requirements}
    is_listed = old.backend.distribution == new.backend.distribution in listed
    texts = (_backend_text(each.backend, with_version=not is_listed) for each in (old, new))
    yield from _one(InputKind.BACKEND, "", next(texts), next(texts))


def _backend_text(backend: Backend, *, with_version: bool) -> str:
    version = f" {backend.version}" if with_version and backend.version else ""
    return f"{backend.name} of {backend.distribution or 'the source tree'}{version}"


def _interpreter(old: Interpreter, new: Interpreter) -> Iterator[InputChange]:
    yield from _named(
        InputKind.INTERPRETER, dict(_interpreter_texts(old)), dict(_interpreter_texts(new))
    )


def _interpreter_texts(interpreter: Interpreter) -> Iterator[tuple[str, str]]:
    version = interpreter.implementation_version
    yield (
        "version",
        f"{version.major}.{version.minor}.{version.micro} {version.releaselevel} "
        f"{version.serial} ({interpreter.hexversion:#x})",
    )
    for field in fields(interpreter):
        value = getattr(interpreter, field.name)
        if field.name not in ("implementation_version", "hexversion") and value is not None:
            yield field.name, " ".join(value) if isinstance(value, tuple) else value


def _toolchain(old: BuildInputs, new: BuildInputs) -> Iterator[InputChange]:
    """Nothing where the old wheel holds no binary; a later one may, if its source has changed."""
    if old.toolchain is not None:
        yield from _named(InputKind.TOOLCHAIN, _tools(old), _tools(new))


def _tools(inputs: BuildInputs) -> dict[str, str]:
    toolchain = inputs.toolchain
    if toolchain is None:
        return {}
    tools = {
        "c_compiler": toolchain.c_compiler,
        "cxx_compiler": toolchain.cxx_compiler,
        "linker": toolchain.linker,
        "libc": toolchain.libc,
        "cxx_library": toolchain.cxx_library,
    }
    return {name: _tool_text(tool) for name, tool in tools.items() if tool is not None}


def _tool_text(tool: Tool | Library) -> str:
    if isinstance(tool, Tool):
        return f"{tool.version} for {tool.target}" if tool.target else tool.version
    abi = f" (string ABI {tool.abi})" if tool.abi else ""
    return f"{tool.name} {tool.version}{abi}"


def _system_packages(
    old: tuple[SystemPackage, ...], new: tuple[SystemPackage, ...]
) -> Iterator[InputChange]:
    if old and new:
        yield from _named(InputKind.SYSTEM_PACKAGE, _packages(old), _packages(new))


def _packages(packages: tuple[SystemPackage, ...]) -> dict[str, str]:
    return {
        f"{each.manager} {each.name}": f"{each.version} ({each.files} files, sha256:{each.sha256})"
        for each in packages
    }
