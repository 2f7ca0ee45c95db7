"""A macro that says another release is harmless where nothing asks for it."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.provider import Declaration
from backend_shim.interfaces.release_macros import is_about_versions
from tests.support.interface_files import compared, header_compared

OPEN = Declaration(None, "gift_open")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("GIFT_VERSION", True), ("gift_version_string", True), ("GIFT_VER", True),
        ("user_png_ver", True), ("H5_VERS_MINOR", True), ("libVersion", True), ("getLibVer", True),
        ("GIFT_OVER", False), ("server", False), ("GIFT_VERTEX", False), ("verify", False),
        ("Vertex", False), ("getVertex", False),
    ],
)  # fmt: skip
def test_a_version_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_about_versions(name) is is_one


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("GIFT_VERSION", '"1.2.3"', '"1.3.0"'),
        ("GIFT_VERSION_DATE", '"2024-01-02"', '"2025-03-04"'),
        ("CREATED_BY_VERSION", '"gift version 1.2"', '"gift version 1.3"'),
        ("GIFT_VERSION_MINOR", "2", "3"),
        ("GIFT_PATCH_VERSION", "0", "12"),
        ("GIFT_VERS_RELEASE", "0", "1"),
    ],
)
def test_another_release_changes_nothing(name: str, old: str, new: str) -> None:
    assert header_compared(f"#define {name} {old}", f"#define {name} {new}") == f"grown: {name}"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("GIFT_VERSION", '"1.2.3"', '"2.0.0"'),
        ("GIFT_VERSION", '"one"', '"two"'),
        ("GIFT_VERSION", '"1.2.3"', "3"),
        ("GIFT_VERSION", "2", "3"),
        ("GIFT_VERSION_MINOR", "2", "(3)"),
        ("GIFT_VERSION_MINOR", "2", "0x3"),
        ("GIFT_VERSION_MAJOR", "2", "3"),
        ("GIFT_ABI_VERSION_MINOR", "2", "3"),
        ("GIFT_API_VERSION", '"1.2"', '"1.3"'),
        ("GIFT_FORMAT_VERSION_MINOR", "2", "3"),
        ("GIFT_MINOR", "2", "3"),
        ("GIFT_VERSION_MINOR(x)", "2", "3"),
    ],
)
def test_what_may_be_more_than_a_release_counts(name: str, old: str, new: str) -> None:
    assert header_compared(f"#define {name} {old}", f"#define {name} {new}") == "changed"


RELEASE = "#define GIFT_VERSION_MINOR 2\n"


@pytest.mark.parametrize(
    "use",
    [
        "#define GIFT_VERSION (100 * GIFT_VERSION_MAJOR + GIFT_VERSION_MINOR)",
        "#define GIFT_VERSION_AT_LEAST(x) (GIFT_VERSION_MINOR >= (x))",
    ],
)
def test_a_version_may_be_made_of_others(use: str) -> None:
    major = "#define GIFT_VERSION_MAJOR 1\n"
    old = major + RELEASE + use + "\nint gift_open(void);"
    used = old + "\nint b[GIFT_VERSION];\nint c[GIFT_VERSION_AT_LEAST(3)];"
    for text, outcome in ((old, "grown: GIFT_VERSION_MINOR"), (used, "changed: a.h")):
        files = [{"a.h": each.encode()} for each in (text, text.replace("R 2", "R 3"))]
        assert compared(*files, OPEN) == outcome


@pytest.mark.parametrize(
    "use",
    [
        "#define gift_open() gift_open_(GIFT_VERSION_MINOR)",
        "#define GIFT_TEST_VERSION gift_check_version(GIFT_VERSION_MINOR)",
        "#define GIFT_COLOURS GIFT_VERSION_MINOR",
        "#if GIFT_VERSION_MINOR > 1\nint a;\n#endif",
        "#if GIFT_VERSION_MINOR > 1\n#define GIFT_NEWER_VERSION 1\n#endif",
        "static int gift_minor(void) { return GIFT_VERSION_MINOR; }",
        "struct gift { int colours[GIFT_VERSION_MINOR]; };",
        "enum { GIFT_COLOURS = GIFT_VERSION_MINOR };",
        "void gift_paint(int colours[GIFT_VERSION_MINOR]);",
    ],
)
def test_a_release_that_is_used_counts(use: str) -> None:
    for old in (RELEASE + use, use + "\n" + RELEASE):
        assert header_compared(old, old.replace("MINOR 2", "MINOR 3")) == "changed"
        files = [
            {"a.h": each.encode(), "b.h": f"{use}\nint gift_open(void);".encode()}
            for each in (RELEASE, RELEASE.replace(" 2", " 3"))
        ]
        assert compared(*files, OPEN) == "changed: b.h"


@pytest.mark.parametrize(
    ("prototype", "outcome"),
    [
        ("int gift_open(const char *path);", "grown: GIFT_VERSION_MINOR"),
        ("int gift_open(int user_ver);", "changed: a.h"),
        ("int gift_open(struct gift_version *v);", "changed: a.h"),
        ("int NAME(gift_open)(int version);", "changed: a.h"),
    ],
)
def test_a_release_counts_where_the_consumer_may_tell_it(prototype: str, outcome: str) -> None:
    other = "int gift_check(int version);\n"
    old = RELEASE + other + prototype
    files = [{"a.h": each.encode()} for each in (old, old.replace("MINOR 2", "MINOR 3"))]
    assert compared(*files, OPEN) == outcome
    # Of a module it is not known which of its functions are used.
    assert header_compared(old, old.replace("MINOR 2", "MINOR 3")) == "changed"


def test_a_release_counts_where_the_consumer_asks_for_one() -> None:
    old = RELEASE + "int gift_version(void);"
    files = [{"a.h": each.encode()} for each in (old, old.replace("MINOR 2", "MINOR 3"))]
    assert compared(*files, Declaration(None, "gift_version")) == "changed: a.h"
