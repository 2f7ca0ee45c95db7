#!/bin/sh
# Judge a wheel by an interface that wheel-abi does not know, before and after the plug-in is installed.
# Wants `pip`, `resolver-check` and `cc`; makes ./work/third_party_interface.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=work/third_party_interface
. "$here/../ends_with.sh"
python "$here/make_wheels.py" "$work"
judge() {
    ends_with "$2" resolver-check judge "$work/taker-1.0-cp311-cp311-linux_x86_64.whl" \
        --old "$work/gift-1.0-py3-none-any.whl" --new "$work/gift-$1-py3-none-any.whl"
}
pip uninstall --quiet --quiet --yes wheel-abi-gift
echo "--- without the plug-in"
judge 1.1 3
pip install --quiet --no-deps "$here"
echo "--- with it"
judge 1.1 0
judge 2.0 1
pip uninstall --quiet --quiet --yes wheel-abi-gift
