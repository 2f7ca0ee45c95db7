#!/bin/sh
# Judge a wheel by an interface that wheel-abi does not know, before and after the plug-in is installed.
# Wants `pip`, `resolver-check` and `cc`; makes ./gifts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python "$here/make_wheels.py" gifts
taker=gifts/taker-1.0-cp311-cp311-linux_x86_64.whl
judge() {
    resolver-check judge "$taker" --old gifts/gift-1.0-py3-none-any.whl --new "gifts/gift-$1-py3-none-any.whl" || test $? -eq "$2"
}
pip uninstall --quiet --yes wheel-abi-gift
judge 1.1 3
pip install --quiet --no-deps "$here"
judge 1.1 0
judge 2.0 1
pip uninstall --quiet --yes wheel-abi-gift
