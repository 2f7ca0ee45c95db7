"""Wheels of a catalog that bind by nothing but an interface of the provider's own, judged by that.

Many have the same facts of it, such as those for whom NumPy's headers left the same numbers. So one
judgement stands for all of them, and their other facts need not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import capsule, import_name, nanobind, pybind11, sip, swig
from backend_shim.interfaces.compiled_strings import CUT
from backend_shim.interfaces.reasons import Evidence
from backend_shim.record.decoding import as_object, decode_json, get_object, get_str
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint, Basis, Generator, InterfaceFacts
from resolver_check.check import Bump
from resolver_check.columns import Mask
from resolver_check.compare.judgement import judge_fingerprints
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.sources.catalog_selection import CatalogWheel
from resolver_check.sources.catalog_traces import TracedSelection

# By these a name that is explained may bind all the same, or a wheel without any name.
_NOT_ALONE: Final = (capsule.NAME, nanobind.NAME, pybind11.NAME, sip.NAME, swig.NAME)


class Explained:
    """Whether a name in a binary is one that another interface accounts for.

    It is no binding by any interface that goes by names, then: each leaves it to `import_name`.
    """

    def __init__(self, bump: Bump) -> None:
        self._bump = bump

    def __call__(self, name: str) -> bool:
        if name.endswith(CUT):
            return False
        before, after = self._bump.before, self._bump.after
        # A package that many distributions share is the provider's module, and within no name.
        if name not in before.explained_modules | after.explained_modules and (
            name in before.modules | after.modules
        ):
            return False
        tables = capsule.tables_in(before.provided.get(capsule.NAME))
        if name in tables:
            return False
        return not import_name.bindings([name], [name], before, after)


class AloneObserved:
    """The judgements on those of `observed` that show no other trace, and are to be read in full.

    Nothing else that a judgement looks at can change its verdict: not the build inputs, which are
    evidence for what is not refused, unless the interface files decide.
    """

    def __init__(
        self,
        bump: Bump,
        selection: TracedSelection,
        level: EvidenceLevel,
        observed: Mapping[int, list[str]],
        otherwise: Mask,
    ) -> None:
        self._bump = bump
        self._level = level
        self._built = selection.built_with(bump.name)
        others = selection.using(_NOT_ALONE)
        self._facts = {
            wheel: facts[0]
            for wheel, facts in observed.items()
            if len(facts) == 1 and not otherwise[wheel] and not others[wheel]
        }

    def judgement(self, wheel: CatalogWheel) -> Judgement | None:
        """None where its other facts are needed."""
        facts = self._facts.get(wheel.number)
        built = self._built.get(wheel.number, [None])
        if facts is None or wheel.unreadable is not None or len(built) != 1:
            return None
        judgement = self._judged(facts, built[0])
        if judgement is None or not wheel.has_build_inputs:
            return judgement
        if judgement.verdict is Verdict.UNKNOWN or _rests_on_files(judgement):
            return None
        return judgement

    @cache  # noqa: B019 - lives as long as its plan
    def _judged(self, text: str, built: str | None) -> Judgement | None:
        try:
            table = as_object(decode_json(text.encode()), "$")
            facts = InterfaceFacts(
                interface=get_str(table, "interface", "$"),
                basis=Basis.DERIVED,
                facts=Facts(get_object(table, "facts", "$")),
                provider=self._bump.name,
            )
            return judge_fingerprints(
                AbiFingerprint(generator=Generator(), is_purelib=False, requires=(facts,)),
                self._bump.before,
                self._bump.after,
                level=self._level,
                read_trees=self._bump.trees,
                compare_types=self._bump.types,
                built=built,
            )
        except InvalidRecord:
            return None


def _rests_on_files(judgement: Judgement) -> bool:
    return any(
        reason.evidence is Evidence.SAME_INTERFACE
        for binding in judgement.bindings
        for reason in binding.reasons
    )
