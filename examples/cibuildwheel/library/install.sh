#!/bin/sh
# Compile the library and install it under $1.
set -eu
here=$(dirname "$0")
mkdir -p "$1/include" "$1/lib"
cp "$here/cloud.h" "$1/include"
cc -shared -fPIC -Wl,-soname,libcloud.so.1 -o "$1/lib/libcloud.so.1" "$here/cloud.c"
ln -sf libcloud.so.1 "$1/lib/libcloud.so"
