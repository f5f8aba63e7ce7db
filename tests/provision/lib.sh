# What the provision scripts share. Sourced, never run.
#
# The rule of all of them: look first, and touch the machine only for what is missing. With everything
# in place they need neither root nor network, and are over in a fraction of a second.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/provision
target=$root/target # also when CARGO_TARGET_DIR is elsewhere, so that tests know where to look

say() { printf '%s\n' "$*" >&2; }
die() { say "provision: $*"; exit 1; }

# have PROBE: is it here? PROBE is a command, or `py:MODULE` for a module of the system's own Python.
# (Never a pyenv or virtual environment that happens to be first in PATH: nobody provisions those.)
have() {
    case $1 in
    py:*) [ -x /usr/bin/python3 ] && /usr/bin/python3 -I -c "import ${1#py:}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;;
    esac
}

# packages PROBE=PACKAGE...: sees to it that each probe succeeds, with apt and root for those that do not.
packages() {
    local pair missing=()
    for pair in "$@"; do
        have "${pair%%=*}" || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] && return

    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        # Without a terminal sudo must not stop to ask for a password nobody can type.
        if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
        command -v sudo >/dev/null && "${as_root[@]}" true 2>/dev/null ||
            die "these packages are missing and this user may not install them; as root, run:
    apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
    fi
    command -v apt-get >/dev/null ||
        die "this machine has no apt; install what these Debian packages contain: ${missing[*]}"

    say "installing ${missing[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" apt-get update --quiet=2 >&2
    "${as_root[@]}" apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >&2
    for pair in "$@"; do
        have "${pair%%=*}" || die "\`${pair%%=*}\` is still missing after package \`${pair#*=}\` was installed"
    done
}

# once STAMP INPUT... -- COMMAND...: runs COMMAND unless it already succeeded with these very inputs.
# Two provisioners at the same time take turns, and the second finds the work done.
once() {
    local stamp=$1 inputs=() want
    shift
    while [ "$1" != -- ]; do inputs+=("$1"); shift; done
    shift
    want=$(cat "${inputs[@]}" | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return
    mkdir -p "$target"
    exec 9>"$target/provision.lock"
    flock 9
    if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
        "$@"
        printf '%s\n' "$want" >"$stamp"
    fi
    exec 9>&-
}
