#!/bin/sh
# The loop of a farm: a plan, its first wave built, the plan again; for a bump that changes an interface and one that
# does not. Linux; wants `pip`, `resolver-check` and `cc`; makes ./work/farm_bump anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/farm_bump
rm -rf "$work"
mkdir -p "$work/wheels"
. "$here/../ends_with.sh"
. "$here/../shim_of_this_clone.sh"
# From here on pip asks no index: builds get what the farm has.
links=$(python -c 'import pathlib, sys; print(pathlib.Path(sys.argv[1]).resolve().as_uri())' "$work/wheels")
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$links"

# The farm as it was, and then the new releases of gauge.
python "$here/make_sdists.py" "$work/sdists"
for each in gauge-1.0 river-1.0 flood-1.0 gauge-1.1 gauge-2.0; do
    pip wheel --quiet --no-deps --no-cache-dir --wheel-dir "$work/wheels" "$work/sdists/$each.tar.gz"
done

echo "--- gauge 1.1"
ends_with 0 resolver-check plan --source "$work/wheels" --bump gauge==1.1
echo "--- gauge 2.0"
ends_with 3 resolver-check plan --source "$work/wheels" --bump gauge==2.0 --from gauge==1.0 --state "$work/state.json"
echo "--- its first wave is built, and the plan made again"
ends_with 0 resolver-check rebuild --state "$work/state.json" --sdists "$work/sdists" --out "$work/built" --waves 1
test "$(cd "$work/built" && echo *.whl | cut -d- -f1-2)" = river-1.0
echo "--- the kept flood with gauge 2.0, over the old river and over the new one"
warns() {
    pip install --quiet --no-deps --target "$work/$1" "$work"/wheels/gauge-2.0-*.whl "$work"/wheels/flood-*.whl "$2"
    PYTHONPATH="$work/$1" python -c 'import flood; print("warns:", flood.warn())'
}
warns over_old "$(echo "$work"/wheels/river-*.whl)" | tee "$work/over_old.txt"
warns over_new "$(echo "$work"/built/river-*.whl)" | tee "$work/over_new.txt"
# The level is 7, and 5 is high; the old river calls what is not the level.
test "$(cat "$work/over_old.txt" "$work/over_new.txt" | xargs)" = "warns: False warns: True"
