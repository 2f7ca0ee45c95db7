#!/bin/sh
# Put the shim into a project's own tree and build sdist and wheel with it: nothing asks an index for wheel-abi.
# Wants `pip` and `backend-shim`; makes ./work/vendored_shim anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/vendored_shim
rm -rf "$work"
mkdir -p "$work"
cp -R "$here" "$work/project"

# The real backend, once; from here on pip asks no index.
pip download --quiet --dest "$work/backend" 'flit-core>=3.9' "tomli; python_version < '3.11'"
links=$(python -c 'import pathlib, sys; print(pathlib.Path(sys.argv[1]).resolve().as_uri())' "$work/backend")
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$links"

(cd "$work/project" && backend-shim vendor _wheel_abi)
# First the sdist, then the wheel of the sdist, as a package index and its users do.
python -m build --outdir "$work" "$work/project" >"$work/build.log" 2>&1 || { cat "$work/build.log" && exit 1; }
tar -tzf "$work/hail-1.0.tar.gz" hail-1.0/_wheel_abi/backend_shim/hooks.py
backend-shim verify "$work"/hail-*.whl
backend-shim show "$work"/hail-*.whl
