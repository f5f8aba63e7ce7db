#!/usr/bin/env bash
# Installs what `make bench` needs: all of the tests', and the peers that are measured beside us. nono is built from
# its crate, which takes a quarter of an hour, once.
. "$(dirname "$0")/lib.sh"

"$here/test.sh"

packages \
    oidc-token=oidc-agent-cli \
    nginx=nginx-light \
    wrk=wrk

mitmproxy() {
    say "installing mitmproxy into $target/venv-bench"
    rm -rf "$target/venv-bench"
    /usr/bin/python3 -m venv "$target/venv-bench"
    "$target/venv-bench/bin/pip" install --quiet --disable-pip-version-check 'mitmproxy==11.0.2' >&2
}
once "$target/venv-bench/provisioned" "$here/bench.sh" -- mitmproxy

if [ ! -x "$target/nono/bin/nono" ]; then
    say "building nono (a quarter of an hour, once)"
    cargo install nono-cli --version 0.81.0 --root "$target/nono"
fi
