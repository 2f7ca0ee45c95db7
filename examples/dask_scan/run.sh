#!/bin/sh
# Scan wheels into a catalog with the workers of a Dask scheduler, and ask the catalog.
# Wants `pip` and `resolver-check`, and installs Dask beside them where it is missing; makes ./work/dask_scan anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/dask_scan
rm -rf "$work"
mkdir -p "$work"
python -c 'import distributed' 2>/dev/null || pip install --quiet 'distributed>=2024.8'
pip download --quiet --dest "$work/wheels" --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi none \
    --platform manylinux_2_17_x86_64 --requirement "$here/wheels.txt"

# On a real cluster these run elsewhere, and see the same files.
python -m distributed.cli.dask_scheduler --host 127.0.0.1 --port 0 --no-dashboard \
    --scheduler-file "$work/scheduler.json" 2>"$work/scheduler.log" &
processes=$!
# Not asked but killed: they keep nothing, and a worker whose scheduler ends at the same time may wait for ever.
trap 'kill -9 $processes' EXIT
for worker in 1 2; do
    python -m distributed.cli.dask_worker --nthreads 1 --no-nanny --no-dashboard \
        --scheduler-file "$work/scheduler.json" 2>"$work/worker_$worker.log" &
    processes="$processes $!"
done
until test -s "$work/scheduler.json"; do
    kill -0 ${processes%% *}
    sleep 0.5
done
address=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/scheduler.json")

echo "--- by the workers"
resolver-check scan "$work/wheels" --catalog "$work/catalog.db" --scheduler "$address" | tee "$work/first.txt"
grep -q '^scanned 7, ' "$work/first.txt"
echo "--- once more, by threads"
resolver-check scan "$work/wheels" --catalog "$work/catalog.db" | tee "$work/second.txt"
grep -q '^scanned 0, already known 7, ' "$work/second.txt"
echo "--- who binds to murmurhash?"
resolver-check catalog "$work/catalog.db" --binds-to murmurhash | tee "$work/binds.txt"
grep -q '^preshed-' "$work/binds.txt"
echo "--- who needs the library of C++?"
resolver-check catalog "$work/catalog.db" --needs libstdc++.so.6 | tee "$work/needs.txt"
test "$(wc -l <"$work/needs.txt")" -eq 4
