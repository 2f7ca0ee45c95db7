# Sourced by the examples: what they build gets the wheel-abi of this clone, and none of a package index.
# Wants `pip` and `python`, $here, the folder of the example, and $work, where it may write; makes ./work/shim.
root=$(cd "$here/../.." && pwd)
# Build environments are used once: to compile all their modules would take longer than to build.
export PIP_NO_COMPILE=1
shim=$(ls work/shim/wheel_abi-*.whl 2>/dev/null) || shim=
if [ -z "$shim" ] || [ -n "$(find "$root/backend_shim" "$root/pyproject.toml" -newer "$shim")" ]; then
    rm -rf work/shim
    pip wheel --quiet --no-deps --wheel-dir work/shim "$root"
fi
constraint=$(
    python - "$work/constraint.txt" <<'END'
import pathlib, sys

constraint = pathlib.Path(sys.argv[1]).resolve()
(shim,) = pathlib.Path("work/shim").resolve().glob("wheel_abi-*.whl")
constraint.write_text(f"wheel-abi @ {shim.as_uri()}\n")
print(constraint.as_uri())
END
)
# Two names of one thing: pip 25.3 and later have one of their own for build environments.
export PIP_CONSTRAINT="$constraint" PIP_BUILD_CONSTRAINT="$constraint"
