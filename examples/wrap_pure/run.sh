#!/bin/sh
# Build a pure project through the shim: its wheel is valid after any bump, and needs no evidence for it.
# Wants `pip`, `backend-shim` and `resolver-check`; makes ./work/wrap_pure anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/wrap_pure
rm -rf "$work"
mkdir -p "$work"
cp -R "$here" "$work/project"
. "$here/../ends_with.sh"
. "$here/../shim_of_this_clone.sh"
pip wheel --quiet --no-deps --wheel-dir "$work" "$work/project"
backend-shim verify "$work"/fog-*.whl
backend-shim show "$work"/fog-*.whl
for version in 2.1.5 3.0.2; do
    pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
        --platform manylinux_2_17_x86_64 --dest "$work" "markupsafe==$version"
done
ends_with 0 resolver-check judge "$work"/fog-*.whl --evidence proven \
    --old "$work"/[Mm]arkup[Ss]afe-2.1.5-*.whl --new "$work"/[Mm]arkup[Ss]afe-3.0.2-*.whl
