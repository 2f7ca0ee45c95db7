"""The known pitfalls of a backend around another one, and the tests that cover each.

A name without a function stands for all tests of what a build read.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from backend_shim import hooks
from tests.backend_shim.conftest import WHEEL, MakeProject

TESTS: Final = Path(__file__).parents[1]

# tests/.../test_read_set*.py hold what a build read against what strace saw.
READ_SET: Final = "end_to_end/test_read_set.py"

_BUILDS: Final = "end_to_end/test_front_ends.py::"
_HERE: Final = "backend_shim/test_pitfalls.py::"
_HOOKS: Final = "backend_shim/test_hooks.py::"
_MATRIX: Final = "end_to_end/test_matrix.py::"
_ODD: Final = "end_to_end/test_odd_backends.py::"
_OPENED: Final = "backend_shim/capture/test_open_watch.py::"
_REPAIR: Final = "end_to_end/test_repair.py::"
_REWRITE: Final = "backend_shim/wheel/test_rewrite.py::"
_SAME: Final = "end_to_end/test_reproducible.py::"

PITFALLS: Final[Mapping[str, Sequence[str]]] = {
    "1 ccache succeeds without an object where a variable asks for headers": (
        f"{_HERE}test_the_backend_sees_no_variable_that_compilers_or_ccache_heed",
        f"{_BUILDS}test_a_build_with_ccache_compiles",
    ),
    "2 uv knows by the backend's name that hatchling's dependencies are dynamic": (
        f"{_MATRIX}test_an_installation_has_its_records_and_leaves_nothing_behind",
    ),
    "3 a hook is there that the backend lacks, or the other way round": (
        "end_to_end/test_hooks_of_backends.py::test_the_hooks_and_their_signatures_are_the_backend_s",
        f"{_HOOKS}test_a_hook_is_there_where_the_backend_has_it_and_nowhere_else",
    ),
    "4 the in-tree shim is missing from the sdist": (
        f"{_BUILDS}test_a_wheel_is_built_from_the_sdist_that_carries_the_in_tree_shim",
    ),
    "5 a relative backend-path and a backend that goes elsewhere": (
        f"{_ODD}test_a_backend_that_prints_and_goes_elsewhere_builds",
        f"{_ODD}test_gpep517_builds_it_too_with_its_relative_path_to_the_shim",
    ),
    "6 the backend is in the tree, is the shim, or is not there": (
        f"{_ODD}test_a_backend_that_prints_and_goes_elsewhere_builds",
        f"{_ODD}test_a_backend_that_cannot_be_used_is_named",
    ),
    "7 headers that a compiler maps": (
        READ_SET,
        f"{_OPENED}test_a_header_is_seen_whether_the_compiler_reads_or_maps_it",
    ),
    "8 hard links, symbolic links, overlays": (READ_SET,),
    "9 queue overflow and limit of watches": (
        f"{_OPENED}test_a_queue_that_overflows_is_told",
        f"{_OPENED}test_a_watch_that_is_refused_is_told",
    ),
    "10 a warm cache of the compiler": (READ_SET,),
    "11 probes and imports are read, too": (READ_SET,),
    "12 metadata is prepared before the build": (
        f"{_BUILDS}test_front_ends_make_the_same_calls_with_and_without_the_shim",
        f"{_BUILDS}test_prepared_metadata_has_records_only_if_they_are_a_wheel_s",
        f"{_HOOKS}test_editable_and_metadata_pass_through_untouched",
    ),
    "13 a front end builds a wheel to prepare metadata, and again": (
        f"{_BUILDS}test_front_ends_make_the_same_calls_with_and_without_the_shim",
        f"{_MATRIX}test_a_wheel_carries_its_records",
    ),
    "14 editable installs compile when they are imported": (
        f"{_MATRIX}test_an_editable_installation_works_without_records_and_leaves_nothing_behind",
    ),
    "15 odd archives": (
        f"{_REWRITE}test_every_other_member_stays_byte_identical",
        f"{_REWRITE}test_new_members_are_packed_as_record_was",
        "backend_shim/wheel/test_large_archives.py::test_a_wheel_beyond_4_gib_is_rewritten",
        f"{_BUILDS}test_members_stay_unpacked_where_the_front_end_wants_that",
    ),
    "16 signatures, two .dist-info, one that is not normalised": (
        f"{_REWRITE}test_a_signed_wheel_is_left_alone",
        "backend_shim/wheel/test_archive.py::test_an_archive_that_is_no_wheel_is_refused",
        "backend_shim/wheel/test_archive.py::test_the_dist_info_name_need_not_be_normalised",
    ),
    "17 the name of the wheel": (
        f"{_BUILDS}test_the_backend_s_own_wheel_is_left_as_it_is_but_for_the_records",
        f"{_BUILDS}test_retagging_keeps_the_records",
        f"{_BUILDS}test_an_extension_for_the_stable_abi_keeps_its_name",
    ),
    "18 two builds differ": (
        f"{_SAME}test_a_pure_wheel_is_the_same_again_elsewhere_and_in_parallel",
        f"{_SAME}test_a_compiled_wheel_is_the_same_where_the_compiler_hides_the_place",
    ),
    "19 binaries name the place where they were built": (
        f"{_SAME}test_records_of_binaries_that_name_their_place_differ_in_the_binary_alone",
    ),
    "20 repair tools change binaries": (
        f"{_REPAIR}test_a_repaired_wheel_is_stamped_anew_and_keeps_its_build_inputs",
        f"{_REPAIR}test_the_repair_command_of_cibuildwheel",
    ),
    "21 setuptools takes the in-tree shim for a package": (
        f"{_BUILDS}test_setuptools_finds_its_package_beside_the_in_tree_shim",
        "backend_shim/test_cli.py::test_vendor_writes_the_copy_and_prints_the_lines",
    ),
    "22 uv takes no dotted object as a backend": (
        f"{_ODD}test_a_backend_may_be_an_object_within_an_object",
    ),
    "23 config settings": (
        f"{_ODD}test_settings_of_the_front_end_arrive",
        f"{_HOOKS}test_settings_of_others_reach_the_backend_as_the_same_object",
        f"{_HOOKS}test_own_settings_are_stripped_and_the_caller_s_are_left_alone",
    ),
    "24 builds at the same time": (
        READ_SET,
        f"{_SAME}test_a_pure_wheel_is_the_same_again_elsewhere_and_in_parallel",
    ),
    "25 a build directory that is kept": (READ_SET,),
    "26 C that was generated earlier": (f"{_BUILDS}test_a_build_from_generated_c_says_so",),
}

# gcc; MSVC; ccache with either; clang.
HEEDED: Final = (
    "SUNPRO_DEPENDENCIES", "DEPENDENCIES_OUTPUT", "CL", "_CL_", "CC_PRINT_HEADERS",
    "CC_PRINT_HEADERS_FILE",
)  # fmt: skip


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_the_tests_of_a_pitfall_are_there(pitfall: str) -> None:
    for covered_by in PITFALLS[pitfall]:
        path, _, name = covered_by.partition("::")
        module = ast.parse((TESTS / path).read_text())
        if name:
            assert name in {
                each.name for each in module.body if isinstance(each, ast.FunctionDef)
            }, covered_by


def test_no_pitfall_is_left_out() -> None:
    assert [pitfall.split()[0] for pitfall in PITFALLS] == [str(each) for each in range(1, 27)]


def test_the_backend_sees_no_variable_that_compilers_or_ccache_heed(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HEEDED:
        monkeypatch.delenv(name, raising=False)
    seen = tmp_path / "seen.json"
    make_project(
        WHEEL.replace(
            "    return",
            "    import json\n"
            f"    Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))\n    return",
        )
    )
    hooks.build_wheel(str(tmp_path))
    given: dict[str, str] = json.loads(seen.read_text())
    changed = {name for name, value in given.items() if os.environ.get(name) != value}
    # The only one that may be added: it makes ccache look at files anew, and changes no result.
    assert changed <= {"CCACHE_NOINODECACHE"}
    assert os.environ.keys() <= given.keys()
