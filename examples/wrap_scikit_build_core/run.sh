#!/bin/sh
# Build a C++ extension with scikit-build-core and pybind11 through the shim, and ask what a new pybind11 means.
# Wants `pip`, `backend-shim`, `resolver-check` and a C++ compiler; makes ./work/wrap_scikit_build_core anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/wrap_scikit_build_core
rm -rf "$work"
mkdir -p "$work"
cp -R "$here" "$work/project"
. "$here/../ends_with.sh"
. "$here/../shim_of_this_clone.sh"
pip wheel --quiet --no-deps --wheel-dir "$work" "$work/project"
backend-shim verify "$work"/snow-*.whl
backend-shim show "$work"/snow-*.whl
for version in 2.13.6 3.0.1; do
    pip download --quiet --no-deps --dest "$work" "pybind11==$version"
done
ends_with 3 resolver-check judge "$work"/snow-*.whl \
    --old "$work"/pybind11-2.13.6-*.whl --new "$work"/pybind11-3.0.1-*.whl
