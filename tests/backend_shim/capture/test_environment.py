"""Only variables of the closed list are read."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from backend_shim.capture.environment import ALLOWED, recorded_environment, recorded_settings
from backend_shim.capture.redaction import Redaction, is_secret_name

NOTHING = Redaction(places=())
NAMES = st.text(alphabet=string.ascii_letters + string.digits + "_", min_size=1, max_size=30)
SECRET = "pl4nt3d"


@given(st.dictionaries(NAMES, st.text(alphabet=string.ascii_letters), max_size=20), NAMES)
def test_a_secret_in_a_variable_outside_the_list_cannot_get_in(
    environ: dict[str, str], name: str
) -> None:
    if name in ALLOWED:
        return
    planted = {**environ, name: SECRET}
    recorded = recorded_environment(planted, also=(), redaction=NOTHING)
    assert SECRET not in repr(recorded)
    assert {variable for variable, _ in recorded} == environ.keys() & ALLOWED


@given(st.sampled_from(sorted(ALLOWED)), st.sampled_from(["-DMY_TOKEN=", "--password ", "u:"]))
def test_a_secret_by_name_in_an_allowed_variable_cannot_get_in(name: str, before: str) -> None:
    environ = {name: f"-O2 {before}{SECRET}@host"}
    assert SECRET not in repr(recorded_environment(environ, also=(), redaction=NOTHING))


def test_no_name_of_the_list_looks_like_a_secret() -> None:
    assert not [name for name in ALLOWED if is_secret_name(name)]


def test_variables_are_sorted_and_the_project_s_own_are_there() -> None:
    environ = {"MY_FLAG": "1", "CFLAGS": "-O2", "CC": "gcc", "OTHER": "x"}
    assert recorded_environment(environ, also=["MY_FLAG", "UNSET"], redaction=NOTHING) == (
        ("CC", "gcc"),
        ("CFLAGS", "-O2"),
        ("MY_FLAG", "1"),
    )


def test_settings_of_any_type_are_recorded() -> None:
    settings = {"b": ["1", "2"], "a": "x", "c": True, "d": {"k": "v"}, "token": ["t"]}
    assert recorded_settings(settings, redaction=NOTHING) == (
        ("a", "x"),
        ("b", ("1", "2")),
        ("c", "True"),
        ("d", "{dict}"),
        ("token", ("{redacted}",)),
    )
    assert recorded_settings(None, redaction=NOTHING) == ()


def test_a_secret_in_the_name_of_a_setting_does_not_get_in() -> None:
    recorded = recorded_settings({f"-DTOKEN={SECRET}": "on"}, redaction=NOTHING)
    assert SECRET not in repr(recorded)


def test_bytes_that_are_no_text_can_be_stored() -> None:
    environ = {"CFLAGS": b"-D\xff".decode("utf-8", "surrogateescape")}
    ((_, value),) = recorded_environment(environ, also=(), redaction=NOTHING)
    assert value.encode("utf-8") == b"-D\\udcff"
