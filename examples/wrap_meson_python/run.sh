#!/bin/sh
# Build a C extension with meson-python through the shim, read its records, and ask which CPythons it fits.
# Wants `pip`, `backend-shim`, `resolver-check` and a C compiler; makes ./work/wrap_meson_python anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/wrap_meson_python
rm -rf "$work"
mkdir -p "$work"
cp -R "$here" "$work/project"
. "$here/../ends_with.sh"
. "$here/../shim_of_this_clone.sh"
pip wheel --quiet --no-deps --wheel-dir "$work" "$work/project"
backend-shim verify "$work"/rain-*.whl
backend-shim show "$work"/rain-*.whl
this=$(python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
next=$(python -c 'import sys; print("%d.%d.0" % (sys.version_info[0], sys.version_info[1] + 1))')
ends_with 0 resolver-check python "$work"/rain-*.whl --python "$this"
ends_with 1 resolver-check python "$work"/rain-*.whl --python "$next"
