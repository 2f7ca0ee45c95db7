#!/bin/sh
# Build three projects for several CPythons, each wheel as seldom as it has to be, as a distribution's build does.
# Wants `resolver-check`, a C compiler and CPythons with pip: those named, else python3.10 to python3.14 of PATH.
# Makes ./work/reuse anew: wheels, and an image for each interpreter.
set -eu
work=work/reuse
rm -rf $work

# What stands in for an ebuild's phase function: one project, one interpreter.
python_compile() {
    if wheel=$(resolver-check reuse --wheel-dir $work/wheels --project "$project" $options --python "$python"); then
        how=reused
    else
        [ $? -eq 1 ] || exit 2 # 1 says "build", anything else is a mistake of ours
        rm -rf $work/new
        "$python" -m pip wheel --quiet --no-deps --use-pep517 --no-binary "${project%%==*}" --wheel-dir $work/new "$project"
        wheel=$work/wheels/$(ls $work/new)
        mv $work/new/*.whl $work/wheels
        how=built
    fi
    "$python" -m pip install --quiet --no-deps --no-index --upgrade --target "$work/image/$version" "$wheel"
    (cd $work/image/"$version" && "$python" -c "import $module")
    printf '%-4s  %-6s  %s\n' "$version" "$how" "${wheel##*/}"
}

[ $# -gt 0 ] || set -- python3.10 python3.11 python3.12 python3.13 python3.14
mkdir -p $work/wheels
while read -r project module options; do
    for python in "$@"; do
        # Each by its own path: `reuse` asks it which wheels it accepts.
        python=$("$python" -c 'import pip, sys; print(sys.executable)' 2>/dev/null </dev/null) || continue
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' </dev/null)
        python_compile </dev/null
    done
done <<'END'
six==1.17.0 six
psutil==7.2.2 psutil --extensions
markupsafe==3.0.2 markupsafe --extensions
END
ls $work/wheels/*.whl >/dev/null # else no CPython was found
