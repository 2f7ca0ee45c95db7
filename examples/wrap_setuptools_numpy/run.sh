#!/bin/sh
# Build a real project (Bottleneck: setuptools, C, NumPy's C API) through the shim, and read its records.
# Wants `pip`, `backend-shim`, `resolver-check` and a C compiler; makes ./work/wrap_setuptools_numpy anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/wrap_setuptools_numpy
rm -rf "$work"
mkdir -p "$work"
pip download --quiet --no-deps --no-binary bottleneck --dest "$work" bottleneck==1.4.2
tar -xzf "$work/bottleneck-1.4.2.tar.gz" -C "$work"
python "$here/wrap.py" "$work/bottleneck-1.4.2/pyproject.toml"
. "$here/../shim_of_this_clone.sh"
pip wheel --quiet --no-deps --wheel-dir "$work" "$work/bottleneck-1.4.2"
backend-shim verify "$work"/bottleneck-1.4.2-*.whl
resolver-check show "$work"/bottleneck-1.4.2-*.whl
