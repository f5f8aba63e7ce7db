#!/usr/bin/env bash
# Installs what `make demo` needs: a keyring, a sandbox, and the Python libraries of the API that the
# agent calls. Safe to run again; needs root only when something is missing.
. "$(dirname "$0")/lib.sh"

packages \
    cc=build-essential \
    bwrap=bubblewrap \
    dbus-run-session=dbus \
    gdbus=libglib2.0-bin \
    gnome-keyring-daemon=gnome-keyring \
    secret-tool=libsecret-tools \
    curl=curl \
    jq=jq \
    py:jwt=python3-jwt \
    py:cryptography=python3-cryptography
