#!/bin/sh
# Build a real project (Bottleneck: setuptools, C, NumPy's C API) through the shim, and read its records.
# Wants `pip`, `backend-shim`, `resolver-check` and a C compiler; $1 is the source of wheel-abi, for the build
# environment. Works in ./wrapped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p wrapped
pip wheel --quiet --no-deps --wheel-dir wrapped/find "$1"
pip download --quiet --no-deps --no-binary bottleneck --dest wrapped bottleneck==1.4.2
tar -xzf wrapped/bottleneck-1.4.2.tar.gz -C wrapped
python "$here/wrap.py" wrapped/bottleneck-1.4.2/pyproject.toml
PIP_FIND_LINKS="$PWD/wrapped/find" pip wheel --quiet --no-deps --wheel-dir wrapped wrapped/bottleneck-1.4.2
backend-shim verify wrapped/bottleneck-1.4.2-*.whl
resolver-check show wrapped/bottleneck-1.4.2-*.whl
