#!/bin/sh
# A real bump over real wheels: which of 37 wheels stay good when NumPy goes from 1.26.4 to 2.0.2?
# Wants `pip` and `resolver-check` on the PATH; keeps what it downloads in ./wheelhouse.
set -eu
here=$(dirname "$0")
for list in built_for_numpy_1 built_for_numpy_2; do
    pip download --quiet --dest wheelhouse --no-deps --only-binary=:all: \
        --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \
        --platform manylinux2014_x86_64 --requirement "$here/$list.txt"
done
# Exit status 1 says that something has to be rebuilt, which is the answer here and no failure.
resolver-check plan --source wheelhouse --bump numpy==2.0.2 \
    --python 3.11 --platform manylinux_2_28_x86_64 "$@" || [ $? -eq 1 ]
