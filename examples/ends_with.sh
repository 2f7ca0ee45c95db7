# Sourced by the examples: `ends_with STATUS COMMAND...` runs the command, and ends the script unless it exits so.
ends_with() {
    expected=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$expected" ] || { echo "exit status $status instead of $expected: $*" >&2 && exit 1; }
}
