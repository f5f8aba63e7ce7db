#!/usr/bin/env bash
# Installs what `make bench` needs: all of the tests', and the peer that is measured beside us.
. "$(dirname "$0")/lib.sh"

"$here/test.sh"

packages oidc-token=oidc-agent-cli
