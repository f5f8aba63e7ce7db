#!/usr/bin/env bash
# oidc-agent with the account `bench` loaded and its token cached, beside a provider of its own. Says
# `ready SOCKET` and stays until its input ends. usage: oidc-agent.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$1/oidc-agent
mkdir -m 700 -p "$dir/.oidc-agent"
export HOME=$dir XDG_CONFIG_HOME=$dir/.config
client=oidc-agent secret=oidc-agent-secret redirect=http://localhost:4242
scope='openid offline_access email groups'

pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ -z "${OIDC_SOCK:-}" ] || rm -rf "$(dirname "$OIDC_SOCK")"
}
trap cleanup EXIT

exec {provider}< <(exec "$root/tests/providers/oidc-provider/start" "$dir")
pids+=($!)
read -rt 30 -u "$provider" _ issuer

# A login with PKCE, as a browser would do it: two forms, and redirects between them.
jar=$dir/cookies head=$dir/head
b64u() { openssl base64 -A | tr '/+' '_-' | tr -d '='; }
verifier=$(openssl rand 32 | b64u)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | b64u)
go() { # URL...: the absolute place that the answer redirects to
    curl -sS -o /dev/null -D "$head" -c "$jar" -b "$jar" "$@"
    local to
    to=$(tr -d '\r' <"$head" | awk 'tolower($1) == "location:" { print $2 }')
    case $to in http*) echo "$to" ;; *) echo "$issuer$to" ;; esac
}
authorize=$(curl -sS "$issuer/.well-known/openid-configuration" | jq -r .authorization_endpoint)
at=$(go -G "$authorize" -d "client_id=$client" -d response_type=code -d prompt=consent \
    --data-urlencode "redirect_uri=$redirect" --data-urlencode "scope=$scope" \
    -d "code_challenge=$challenge" -d code_challenge_method=S256 -d state=s -d nonce=n)
for prompt in login consent; do
    at=$(go "$(go -d "prompt=$prompt" -d login=alice -d password=x "$at")")
done
code=$(sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<<"$at")
refresh=$(curl -sS "$(curl -sS "$issuer/.well-known/openid-configuration" | jq -r .token_endpoint)" \
    -u "$client:$secret" -d grant_type=authorization_code -d "code=$code" \
    --data-urlencode "redirect_uri=$redirect" -d "code_verifier=$verifier" | jq -r .refresh_token)

printf 'password\n' >"$dir/password"
eval "$(oidc-agent)" >/dev/null
pids+=("$OIDCD_PID")
oidc-gen bench -m --issuer "$issuer" --client-id "$client" --client-secret "$secret" --scope "$scope" \
    --redirect-uri "$redirect" --rt "$refresh" --pw-file="$dir/password" --prompt=none </dev/null >"$dir/gen.log" 2>&1
oidc-token bench >/dev/null
echo "ready $OIDC_SOCK"
cat >/dev/null
