#!/usr/bin/env bash
# The whole mission, for real, in under a minute: one login, secrets in a real keyring, an agent in a
# real sandbox, scoped tokens, an admin who revokes, a ledger that verifies. Leaves nothing behind; the
# exit status is 0 only if all of it truly happened.
#
# BIN=target/debug tests/demo/demo.sh          against the development provider of tests/devidp
# ISSUER=… CLIENT_ID=… tests/demo/demo.sh      against a real one: your browser opens, you log in
#   DEV_GROUP=…    a group of yours whose agents may read (default: dev)
#   ADMIN_GROUP=…  a group whose members may revoke (default: valetkey-admins); a second login plays that
#                  part, unless ONE_LOGIN=1 says that you are in both
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "$root" && realpath "${BIN:-target/debug}")
here=$root/tests/demo

# ---- telling ------------------------------------------------------------------------------------------
now() { date +%s%N; }
begun=$(now) last=$begun step=0 failed=0 rows=()
done_() { # NAME TEXT [MARK]: a step is over
    local name=$1 text=$2 mark=${3:-+} ms=$((($(now) - last) / 1000000))
    last=$(now) step=$((step + 1))
    [ "$mark" = + ] || failed=$((failed + 1))
    printf '%2d %s %-28s %6d ms  %s\n' "$step" "$([ "$mark" = + ] && echo ✓ || echo ✗)" "$name" "$ms" "$text"
    rows+=("$mark|$name|$ms")
}
fail() {
    printf '\ndemo: %s\n' "$*" >&2
    for log in "$dir"/*.log; do [ -s "$log" ] && { echo "--- $(basename "$log")" >&2; tail -n 15 "$log" >&2; }; done
    exit 1
}

# ---- a folder and processes of our own, gone at the end ---------------------------------------------------
# Short, because the path of a Unix socket has at most 107 bytes; not below TMPDIR for the same reason.
dir=$(mktemp -d /tmp/vkdemo.XXXXXX)
pids=()
cleanup() {
    local status=$?
    for pid in $(printf '%s\n' "${pids[@]}" | tac); do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
mkdir -m 700 "$dir/home" "$dir/run" "$dir/config" "$dir/state" "$dir/api" "$dir/work"
developer_home=$HOME developer_display=${DISPLAY:-} developer_wayland=${WAYLAND_DISPLAY:-} developer_runtime=${XDG_RUNTIME_DIR:-}
export HOME=$dir/home XDG_RUNTIME_DIR=$dir/run XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
unset VALETKEY_SOCKET DBUS_SESSION_BUS_ADDRESS

# until_true SECONDS COMMAND...: waits for something that another process brings about.
until_true() {
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        read -rt 0.05 <> <(:) || true
    done
}

# ---- a desktop: D-Bus and a keyring -------------------------------------------------------------------
dbus-daemon --session --nofork --address="unix:path=$dir/run/bus" >"$dir/dbus.log" 2>&1 &
pids+=($!)
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/run/bus
until_true 10 test -S "$dir/run/bus" || fail 'D-Bus does not start'
printf %s 'demo keyring' | gnome-keyring-daemon --unlock --foreground --components=secrets >"$dir/keyring.log" 2>&1 &
pids+=($!)
bus() { gdbus call --session "$@"; }
# Asked first whether it is there: asking it anything else would have the bus start another one.
unlocked() {
    bus -d org.freedesktop.DBus -o /org/freedesktop/DBus -m org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets | grep -q true &&
        bus -d org.freedesktop.secrets -o /org/freedesktop/secrets/collection/login \
        -m org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked | grep -q false
}
until_true 10 unlocked || fail 'the keyring does not open'
done_ 'keyring' 'a private D-Bus with a real GNOME Keyring, open'

# ---- an identity provider -----------------------------------------------------------------------------
if [ -n "${ISSUER:-}" ]; then
    : "${CLIENT_ID:?set CLIENT_ID beside ISSUER}"
    admin_group=${ADMIN_GROUP:-valetkey-admins}
    done_ 'identity provider' "$ISSUER (yours), client $CLIENT_ID"
else
    "$bin/valetkey-devidp" --user alice:dev --user boss:valetkey-admins --client valetkey >"$dir/devidp.out" 2>"$dir/devidp.log" &
    pids+=($!)
    until_true 10 grep -q ^ready "$dir/devidp.out" || fail 'the development provider does not start'
    ISSUER=$(sed -n 's/^ready //p' "$dir/devidp.out") CLIENT_ID=valetkey admin_group=valetkey-admins
    export BROWSER=$root/tests/providers/browser.py
    done_ 'identity provider' "the development provider at $ISSUER: alice is a developer, boss an admin"
fi

# ---- where the agent will be sent to: an address of this machine, under a name and a certificate of its own --
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
api=https://api.example.test:$port
/usr/bin/python3 "$here/certificate.py" api.example.test "$dir/api" || fail 'no certificate'

# ---- the broker ---------------------------------------------------------------------------------------
mkdir -m 700 "$dir/config/valetkey" "$dir/policies"
for file in "$root"/policies/baseline/*.cedar; do
    sed "s/Group::\"dev\"/Group::\"${DEV_GROUP:-dev}\"/" "$file" >"$dir/policies/$(basename "$file")"
done
chmod 600 "$dir"/policies/*.cedar
cat >"$dir/config/valetkey/config.toml" <<TOML
[provider]
issuer = "$ISSUER"
client_id = "$CLIENT_ID"

[tokens]
listen = "127.0.0.1:0"

[admin]
groups = ["$admin_group"]

[policy]
folder = "$dir/policies"

[reviewer]
command = ["/usr/bin/python3", "$here/reviewer.py"]

[network]
hosts = { "api.example.test" = "127.0.0.1" }
addresses = ["127.0.0.1:$port"]
extra_ca = "$dir/api/ca.pem"

[credentials.build-key]
source = "static"
variable = "BUILD_API_KEY"

[[credentials.build-key.inject]]
hosts = ["api.example.test:$port"]
paths = ["/builds"]
header = "x-api-key"

[credentials.demo-api]
source = "signed"
scopes = ["api:read", "api:write", "api:delete", "api:admin"]
audiences = ["https://api.example.test"]
TOML
chmod 600 "$dir/config/valetkey/config.toml"
PATH=$bin:$PATH
valetkeyd --check-config >/dev/null || fail 'the configuration is not accepted'
valetkeyd >"$dir/valetkeyd.log" 2>&1 &
pids+=($!)
until_true 10 valetkey status || fail 'valetkeyd does not start'
done_ 'broker' "valetkeyd listens in $XDG_RUNTIME_DIR/valetkey"

# ---- the developer logs in, once ----------------------------------------------------------------------
login() { # ACCOUNT USER
    if [ -n "${BROWSER:-}" ]; then
        VALETKEY_TEST_USER=$2 valetkey login --account "$1" >"$dir/login.log" 2>&1
    else
        HOME=$developer_home DISPLAY=$developer_display WAYLAND_DISPLAY=$developer_wayland \
            valetkey login --account "$1"
    fi
}
login default alice || fail 'the login failed'
done_ 'developer logs in' 'authorization code + PKCE in a browser; the refresh token is in the keyring'
if [ -n "${ONE_LOGIN:-}" ]; then admin=default; else
    admin=boss
    login boss boss || fail "the admin's login failed"
fi
done_ 'admin logs in' "account $admin, by group $admin_group"
printf %s 'canary-of-the-demo' >"$dir/api/key"
valetkey secret add build-key <"$dir/api/key" >/dev/null || fail 'the secret was not stored'
[ "$(secret-tool lookup service valetkey username valetkey/secret/build-key)" = canary-of-the-demo ] || fail 'the secret is not in the keyring'
done_ 'secret' "build-key is in the keyring, put there from standard input"

# ---- a session, and an agent in it --------------------------------------------------------------------
issuer=$(valetkey status --json | jq -r .token_issuer)
/usr/bin/python3 "$here/api.py" "$port" "$dir/api/cert.pem" "$dir/api/cert.key" "$issuer" https://api.example.test "$dir/api/key" >"$dir/api.out" 2>"$dir/api.log" &
pids+=($!)
until_true 10 grep -q ready "$dir/api.out" || fail 'the API does not start'
done_ 'API' "$api verifies tokens with PyJWT against the published keys, and wants a key for its builds"

mkdir -p "$dir/work/.git/hooks"
cp "$here/agent.sh" "$dir/work/agent.sh"
mkfifo "$dir/go"
cd "$dir/work"
exec {agent}< <(valetkey run --agent demo-agent --ttl 10m -- \
    bash ./agent.sh "$api" "$DBUS_SESSION_BUS_ADDRESS" "$XDG_RUNTIME_DIR/valetkey/control.sock" <"$dir/go" 2>"$dir/agent.log")
exec {go}>"$dir/go"
cd "$root"
running() { id=$(valetkey session list --json | jq -er '.sessions[0].id'); }
until_true 10 running || fail 'no session'
running
done_ 'valetkey run' "session $id in a sandbox of its own"
hear() { # NAME: the agent's next line
    local mark text
    IFS=$'\t' read -rt 30 -u "$agent" mark text || fail "the agent says nothing ($1)"
    done_ "$1" "$text" "$mark"
}
for name in 'agent: grants' 'agent: token' 'agent: calls the API' 'agent: cannot write' 'agent: uses a key' 'agent: looks for it' 'agent: misuses it' 'agent: is reviewed' 'agent: must wait'; do
    hear "$name"
done

# ---- the developer approves -------------------------------------------------------------------------------
question() { valetkey approvals list --json | jq -er '.approvals[] | select(.state == "open") | .id'; }
asked=$(question) || fail 'there is no question'
valetkey approvals approve "$asked" --once --yes >"$dir/approve.log" 2>&1 || fail "the approval failed: $(cat "$dir/approve.log")"
done_ 'developer approves' "once, what was shown: $(valetkey audit tail -n 50 --json | jq -rs 'last(.[].record | select(.event == "approval_asked")).asked | "\(.agent) asks for \(.credential), \(.grant.scopes | join(" ")), \(.grant.lifetime) s"')"
for name in 'agent: is approved' 'agent: is denied' 'agent: cannot escape'; do
    hear "$name"
done

# ---- the admin revokes --------------------------------------------------------------------------------
report=$(valetkey admin revoke --session "$id" --reason 'the demo is over' --account "$admin" --json) || fail 'the revocation failed'
done_ 'admin revokes' "$(jq -r '"\(.sessions | length) session, cut within \(.elapsed_ms // (.elapsed_microseconds / 1000)) ms"' <<<"$report")"
echo >&"$go"
hear 'agent: is refused'

# ---- the ledger ---------------------------------------------------------------------------------------
# A few seconds after its last record the end of the ledger is signed, and can no longer be cut unnoticed.
vouched() { valetkey audit verify --json | jq -e '.anchored == .records'; }
until_true 15 vouched || fail 'the end of the ledger is not vouched for'
verified=$(valetkey audit verify --json) || fail "the ledger does not verify: $verified"
done_ 'ledger' "$(jq -r '"\(.records) records, whole; the end is vouched for up to \(.anchored)"' <<<"$verified")"
grep -rqa 'canary-of-the-demo' "$dir/state" "$dir/"*.log "$dir/config" "$dir/home" "$dir/work" &&
    done_ 'canary' 'the secret was found in a file' ! ||
    done_ 'canary' 'the secret is in no log, ledger or file'
valetkey logout >/dev/null || fail 'the logout failed'
[ "$admin" = default ] || valetkey logout --account "$admin" >/dev/null
done_ 'logout' 'refresh tokens revoked at the provider and wiped'

# ---- the table ----------------------------------------------------------------------------------------
printf '\n%-30s %9s  %s\n' step ms result
for row in "${rows[@]}"; do
    IFS='|' read -r mark name ms <<<"$row"
    printf '%-30s %9d  %s\n' "$name" "$ms" "$([ "$mark" = + ] && echo ok || echo FAILED)"
done
printf '%-30s %9d  %s\n' 'all of it' $((($(now) - begun) / 1000000)) "$([ "$failed" -eq 0 ] && echo ok || echo "$failed FAILED")"
[ "$failed" -eq 0 ]
