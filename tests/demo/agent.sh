#!/usr/bin/env bash
# The agent of the demo, inside its sandbox. Has its session's socket, the proxy, and nothing else. Says one
# line per step: a mark (`+` as it should be, `!` not), a tab, and what happened. Waits for a line on
# standard input before its last request, so that the admin can act in between.
#
# usage: agent.sh API BUS-ADDRESS CONTROL-SOCKET     the API to call, and addresses of what it must not reach
set -u
api=$1 bus=$2 control=$3

said() { printf '%s\t%s\n' "$1" "$2"; }

grants=$(valetkey grants --json | jq -r '(.grants // .)[] | "\(.credential): \([[.scopes, "at once"], [.reviewed_scopes, "after review"], [.approved_scopes, "if a person says so"]] | map(select(.[0] != []) | "\(.[0] | join(" ")) \(.[1])") | join(", "))"' | paste -sd ';')
[ -n "$grants" ] && said + "may ask for $grants" || said ! "got no list of grants"

token=$(valetkey token demo-api --scope api:read --reason 'read the open issues')
[ -n "$token" ] && said + "got a token of ${#token} bytes for api:read" || said ! "got no token"

call() { # METHOD TOKEN
    curl -sS --max-time 10 -X "$1" -H "authorization: Bearer $2" "$api/"
}
answer=$(call GET "$token")
jq -e '.hello' <<<"$answer" >/dev/null && said + "the API verified it and answered $answer" || said ! "the API said $answer"
answer=$(call POST "$token")
jq -e '.error == "insufficient_scope"' <<<"$answer" >/dev/null && said + "the API refused to write with it" || said ! "the API said $answer"

# A key that it was never given. The service that it is for has it on the wire, and sends back what it got.
answer=$(curl -sS --max-time 10 "$api/builds")
jq -e '.build == "started" and (.key_was | test("^x+$"))' <<<"$answer" >/dev/null && said + "used an API key that it does not have: the service answered $answer" || said ! "the service said $answer"
# Everything that it can find goes where the demo looks for the key.
{ env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; find "$HOME" /tmp /run -path /run/valetkey-bin -prune -o -type f -exec cat {} +; } >found 2>/dev/null
said + "looked for the key in its environment, files and processes: $(wc -c <found) bytes, and a placeholder, $BUILD_API_KEY"
answer=$(curl -sS --max-time 10 -H "x-api-key: $BUILD_API_KEY" "$api/")
jq -e '.error == "placeholder_misused"' <<<"$answer" >/dev/null && said + "sent the placeholder elsewhere, and the proxy refused it" || said ! "the placeholder went through: $answer"

# Writing is looked at by the automatic reviewer before it is granted.
token=$(valetkey token demo-api --scope api:write --reason 'close issue 7, which is fixed' --wait 30s 2>&1)
answer=$(call POST "$token")
jq -e '.hello' <<<"$answer" >/dev/null && said + "a reviewer let it write: the API answered $answer" || said ! "it could not write: $token; $answer"

# Deleting is for a person to grant. It is told so at once, and then waits.
pending=$(valetkey token demo-api --scope api:delete --reason 'delete the branch of issue 7' 2>&1)
case $? in
4) said + "asked to delete and was told to wait: ${pending//$'\n'/; }" ;;
*) said ! "was not told to wait: $pending" ;;
esac
token=$(valetkey token demo-api --scope api:delete --reason 'delete the branch of issue 7' --wait 60s 2>&1)
answer=$(call DELETE "$token")
jq -e '.hello' <<<"$answer" >/dev/null && said + "was approved and deleted: the API answered $answer" || said ! "it could not delete: $token; $answer"

refused=$(valetkey token demo-api --scope api:admin 2>&1)
case $? in
3) said + "was denied api:admin: ${refused//$'\n'/; }" ;;
*) said ! "was not denied api:admin: $refused" ;;
esac

# What it must not reach, by every way it can think of.
tried=0 reached=
attempt() { # NAME COMMAND...
    local name=$1
    shift
    tried=$((tried + 1))
    if "$@" >/dev/null 2>&1; then reached+=" $name"; fi
}
attempt keyring-cli secret-tool lookup service valetkey
attempt keyring-by-address env DBUS_SESSION_BUS_ADDRESS="$bus" gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets --method org.freedesktop.DBus.Peer.Ping
attempt keyring-socket test -S "${bus#unix:path=}"
attempt control-socket curl -sS --max-time 5 --unix-socket "$control" http://x/
attempt other-sessions sh -c "ls /run/valetkey/.. | grep -v valetkey"
attempt broker-process sh -c 'cat /proc/[0-9]*/cmdline | grep -a "[v]aletkeyd"'
attempt loopback-network curl -sS --max-time 5 http://127.0.0.1:8425/jwks.json
attempt direct-network curl -sS --noproxy '*' --max-time 5 http://169.254.169.254/
attempt metadata-by-proxy curl -sSf --max-time 5 http://169.254.169.254/
attempt git-hooks sh -c 'echo x >.git/hooks/post-commit'
attempt secret-in-environment sh -c 'env | grep -i -e secret -e password'
attempt developer-door sh -c 'valetkey session list'
[ -z "$reached" ] && said + "tried $tried ways to the keyring, the control socket and the network, and none led there" || said ! "reached:$reached"

read -r _
refused=$(valetkey token demo-api --scope api:read 2>&1)
case $?/$refused in
3/*revoked*) said + "asked again and was refused: ${refused//$'\n'/; }" ;;
*) said ! "asked again and was not refused: $refused" ;;
esac
