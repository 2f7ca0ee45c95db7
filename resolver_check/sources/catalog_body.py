"""The body of a catalogued wheel as bytes: three lines of canonical JSON, deflated."""

from __future__ import annotations

import zlib
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import canonical_json
from backend_shim.record.decoding import MAX_BYTES, as_object, decode_json, get_str_list
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.sources.catalog_entry import WheelBody

_MAX_INFLATED: Final = 3 * MAX_BYTES
_NOTHING: Final = b"null\n"

# What records have in common, the most frequent last (RFC 1950, "preset dictionary"). Bodies can be
# inflated with this alone: it changes with the version of the catalog's schema and never else.
_COMMON: Final = (
    b'{"build_definition":{"buildType":"","externalParameters":{"build_tag":null,'
    b'"config_settings":{},"name":"","patches":[],"source":{"digest":{"sha256":"'
    b'"internalParameters":{"backend":"setuptools.build_meta","environment":{},"interpreter":'
    b'"toolchain":null,"resolvedDependencies":[{"annotations":{"files":"name":"setuptools",'
    b'"uri":"pkg:pypi/","version":"'
    b'{"generator":{"name":"wheel-abi","version":"0.1.0"},"interfaces":["capsule","cffi",'
    b'"cpython","cython","header","import-name","linking","nanobind","numpy-c-api","platform",'
    b'"pybind11","sip","swig","torch"],"is_purelib":false,"objects":[],"provides":[],"requires":[],'
    b'"is_purelib":true,"series":[],"schema_version":"0.1","unread":[]}\n'
    b'"provides":[{"basis":"observed","facts":{"digest":"","files":},"interface":"header"},'
    b'{"basis":"derived","facts":{"libraries":[{"format":"elf","is_grafted":false,"machine":'
    b'"x86_64","name":"lib.so.1","needed":[],"path":".libs/lib","reexported":[],"versions":null}]},'
    b'"interface":"linking"}],"requires":[{"basis":"derived","facts":{"abi_flags":[],'
    b'"export_hooks":["PyInit"],"extension_suffixes":[".cpython-311-x86_64-linux-gnu.so"],'
    b'"stable_abi":null,"versioned_libraries":[]},"interface":"cpython","provider":"python"},'
    b'{"basis":"derived","facts":{"looked_for":["numpy"],"tails":[],"whole":["numpy",'
    b'"numpy._core._multiarray_umath","numpy.core._multiarray_umath"]},"interface":"import-name"},'
    b'{"basis":"derived","facts":{"accepts":[1,2],"by_name_knows":[],"feature_version":null,'
    b'"is_by_name_partial":false,"is_target_partial":false,"target":[1,],"types_only":false},'
    b'"interface":"numpy-c-api","provider":"numpy"},{"basis":"derived","facts":{"libc":"glibc",'
    b'"string_abi":["cxx11","old"],"versions":[["CXXABI","1.3.5"],["GCC","3.0"],["GLIBC","2.17"],'
    b'["GLIBCXX","3.4.18"]]},"interface":"platform"}]'
    b'{"compatibility":[],"format":"elf","imports":[["sqrt",null,null]],"machine":"aarch64",'
    b'"needed":[],"optional":[],"path":"'
    b'"needed":["libstdc++.so.6","libm.so.6","libgcc_s.so.1","libpthread.so.0","libc.so.6"],"path":'
    b'"run_path":["$ORIGIN/.libs"],"soname":"lib'
    b'{"crc32":,"digest":"sha256=","exported":{"count":1},"format":"elf","imported":{"count":},'
    b'"is_grafted":false,"kind":"extension-module","machine":"x86_64","needed":["libpthread.so.0",'
    b'"libc.so.6"],"path":".cpython-312-x86_64-linux-gnu.so","run_path":[],"size":,"soname":null,'
    b'"version_needs":[{"file":"libc.so.6","versions":["GLIBC_2.14","GLIBC_2.2.5"]}]},'
)


def body_bytes(body: WheelBody) -> bytes:
    """The body, deflated."""
    lines = (
        body.fingerprint.to_json(),
        _NOTHING if body.build_inputs is None else body.build_inputs.to_json(),
        canonical_json({"requirements": [*body.requirements]}),
    )
    return deflated(b"".join(lines))


def deflated(lines: bytes) -> bytes:
    """The three lines as they stand in the catalog."""
    deflater = zlib.compressobj(zdict=_COMMON)
    return deflater.compress(lines) + deflater.flush()


def body_of(data: bytes) -> WheelBody:
    """The body in `data`; raises InvalidRecord."""
    inflater = zlib.decompressobj(zdict=_COMMON)
    try:
        text = inflater.decompress(data, _MAX_INFLATED)
    except zlib.error as error:
        raise InvalidRecord("$", f"cannot be inflated ({error})") from None
    lines = text.splitlines(keepends=True) if inflater.eof else []
    match lines:
        case [fingerprint, inputs, rest]:
            table = as_object(decode_json(rest), "$")
            return WheelBody(
                fingerprint=AbiFingerprint.from_json(fingerprint),
                build_inputs=None if inputs == _NOTHING else BuildInputs.from_json(inputs),
                requirements=get_str_list(table, "requirements", "$"),
            )
    raise InvalidRecord("$", "is not the body of a wheel")
