#!/usr/bin/env bash
# The proxy beside its peers, in one run: plain HTTP with one header injected, an origin (nginx) that answers three
# bytes. wrk for ours runs inside a `valetkey run` sandbox and speaks to the proxy there, ledger on; for the others on
# the host. Then large bodies and memory, plain and TLS, and what the sandbox adds to a command.
#
# usage: run.sh            BIN=folder of release valetkeyd, valetkey, valetkey-devidp (default: target/release)
#   MITMDUMP, NONO         programs of the peers; a peer that is not there is left out and said to be
#   SECONDS_EACH=5         of each figure
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
bin=$(realpath "${BIN:-$root/target/release}")
each=${SECONDS_EACH:-5}
mitmdump=$(realpath -m "${MITMDUMP:-$root/target/venv-bench/bin/mitmdump}") nono=$(realpath -m "${NONO:-$root/target/nono/bin/nono}")
dir=$(mktemp -d /tmp/vkbench.XXXXXX)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ -f "$dir/nginx.pid" ] && kill "$(cat "$dir/nginx.pid")" 2>/dev/null || true
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT
until_true() { # SECONDS COMMAND...
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "bench: gave up waiting for: $*" >&2; exit 1; }
        read -rt 0.05 <> <(:) || true
    done
}
open_port() { : 2>/dev/null >"/dev/tcp/127.0.0.1/$1"; }

# ---- the origin and nginx as a peer ---------------------------------------------------------------------
mkdir -p "$dir/www" "$dir/home" "$dir/state" "$dir/work" "$dir/config/valetkey"
mkdir -m 700 "$dir/run"
chmod 755 "$dir" "$dir/www"
truncate -s 1G "$dir/www/large"
/usr/bin/python3 "$root/tests/demo/certificate.py" origin.test "$dir"
sed "s#FOLDER#$dir#g" "$here/origin.conf" >"$dir/nginx.conf"
/usr/sbin/nginx -e "$dir/nginx.err" -c "$dir/nginx.conf"
until_true 10 open_port 18091
/usr/bin/python3 "$here/sink.py" 18092 &
pids+=($!)
until_true 10 open_port 18092

# ---- the other peers ------------------------------------------------------------------------------------
export HOME=$dir/home
if [ -x "$nono" ]; then
    BENCH_TOKEN=real-secret-of-the-bench "$nono" proxy --port 18080 --no-auth --profile "$here/nono.json" --max-connections 0 >"$dir/nono.log" 2>&1 &
    pids+=($!)
    until_true 20 open_port 18080
fi
if [ -x "$mitmdump" ]; then
    "$mitmdump" -q --listen-host 127.0.0.1 -p 18070 --mode reverse:http://127.0.0.1:18090 -s "$here/inject.py" >"$dir/mitm.log" 2>&1 &
    pids+=($!)
    until_true 30 open_port 18070
fi

# ---- ours -----------------------------------------------------------------------------------------------
export XDG_RUNTIME_DIR=$dir/run XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state PATH=$bin:/usr/sbin:/usr/bin:/bin
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/run/bus BROWSER=$root/tests/providers/browser.py
unset VALETKEY_SOCKET
dbus-daemon --session --nofork --address="$DBUS_SESSION_BUS_ADDRESS" >"$dir/dbus.log" 2>&1 &
pids+=($!)
until_true 10 test -S "$dir/run/bus"
printf %s bench | gnome-keyring-daemon --unlock --foreground --components=secrets >"$dir/keyring.log" 2>&1 &
pids+=($!)
until_true 10 gdbus call --session -d org.freedesktop.secrets -o /org/freedesktop/secrets -m org.freedesktop.DBus.Peer.Ping
"$bin/valetkey-devidp" --user alice:dev --client valetkey >"$dir/devidp.out" 2>"$dir/devidp.log" &
pids+=($!)
until_true 10 grep -q ^ready "$dir/devidp.out"
cat >"$dir/config/valetkey/config.toml" <<TOML
[provider]
issuer = "$(sed -n 's/^ready //p' "$dir/devidp.out")"
client_id = "valetkey"
[tokens]
listen = "127.0.0.1:0"
[network]
hosts = { "origin.test" = "127.0.0.1" }
addresses = ["127.0.0.1:18090", "127.0.0.1:18443"]
extra_ca = "$dir/ca.pem"
[credentials.plain]
source = "static"
secret = "bench"
base_url_variable = "PLAIN_URL"
[[credentials.plain.inject]]
hosts = ["http://origin.test:18090"]
scope = "bench:read"
header = "authorization"
[credentials.tls]
source = "static"
secret = "bench"
base_url_variable = "TLS_URL"
[[credentials.tls.inject]]
hosts = ["origin.test:18443"]
scope = "bench:read"
header = "authorization"
TOML
chmod 600 "$dir/config/valetkey/config.toml"
valetkeyd >"$dir/valetkeyd.log" 2>&1 &
broker=$!
pids+=("$broker")
until_true 20 valetkey status
VALETKEY_TEST_USER=alice valetkey login >/dev/null 2>&1
printf %s real-secret-of-the-bench | valetkey secret add bench >/dev/null
cd "$dir/work"
inside() { valetkey run --agent bench -- "$@"; }
resident() { awk '/VmHWM/{printf "%.1f", $2/1024}' "/proc/$broker/status"; }
forget_peak() { echo 5 >"/proc/$broker/clear_refs" 2>/dev/null || true; }

# ---- large bodies and memory ----------------------------------------------------------------------------
large() { # NAME ARGUMENTS...: MB/s of one transfer inside
    local name=$1 out
    shift
    forget_peak
    out=$(inside curl -sS -o /dev/null -w '%{speed_download} %{speed_upload} %{http_code}' "$@")
    awk -v name="$name" -v peak="$(resident)" '{ s = $1 > $2 ? $1 : $2; printf "%-34s %8.0f MB/s  status %s, broker at most %s MiB resident\n", name, s / 1e6, $3, peak }' <<<"$out"
}
large 'download 1 GiB, plain, scrubbed' http://origin.test:18090/large
large 'download 1 GiB, TLS looked into' https://origin.test:18443/large
truncate -s 1G "$dir/work/up"
large 'upload 1 GiB, plain' -T up http://origin.test:18090/upload
large 'upload 1 GiB, TLS looked into' -T up https://origin.test:18443/upload

# ---- requests a second ----------------------------------------------------------------------------------
declare -A rate
figure() { # NAME CONNECTIONS COMMAND...
    local name=$1 c=$2 out
    shift 2
    out=$("$@" wrk -t1 -c"$c" -d"${each}s" --latency "${url[$name]}")
    grep -q 'Non-2xx' <<<"$out" && { echo "bench: $name answered otherwise than 2xx" >&2; exit 1; }
    rate[$name.$c]=$(awk '/Requests\/sec/{print $2}' <<<"$out")
    printf '%-10s %4s %12s  %s\n' "$name" "$c" "${rate[$name.$c]}" "$(awk '/50%/{a=$2}/99%/{b=$2}END{print "p50 " a ", p99 " b}' <<<"$out")"
}
declare -A url=([origin]=http://127.0.0.1:18090/ [nginx]=http://127.0.0.1:18091/ [nono]=http://127.0.0.1:18080/bench/ping
    [mitmproxy]=http://127.0.0.1:18070/ [valetkey]=http://127.0.0.1:3128/plain/ping [valetkey-tls]=http://127.0.0.1:3128/tls/ping)
echo
printf '%-10s %4s %12s\n' proxy conn requests/s
for c in 1 16 64; do
    figure nginx "$c" env
    [ -x "$nono" ] && figure nono "$c" env
    [ -x "$mitmdump" ] && figure mitmproxy "$c" env
    figure valetkey "$c" inside
    figure valetkey-tls "$c" inside
done
ratio() { awk -v a="${rate[$1]:-0}" -v b="${rate[$2]:-0}" 'BEGIN{ if (b > 0) printf "%.2f", a / b; else printf "not measured" }'; }
echo
for c in 16 64; do
    printf 'at %s: to nginx %s (aim 0.5), to nono %s (aim 3), to mitmproxy %s (aim 30)\n' \
        "$c" "$(ratio "valetkey.$c" "nginx.$c")" "$(ratio "valetkey.$c" "nono.$c")" "$(ratio "valetkey.$c" "mitmproxy.$c")"
done

# ---- what a sandbox adds --------------------------------------------------------------------------------
echo
times() { # COMMAND...: median milliseconds of eleven
    local i begun
    for i in 1 2 3 4 5 6 7 8 9 10 11; do
        begun=$(date +%s%N)
        "$@"
        echo $((($(date +%s%N) - begun) / 10000))
    done | sort -n | awk 'NR == 6 { printf "%.2f", $1 / 100 }'
}
printf 'true: %s ms; valetkey run -- true: %s ms; until CMD begins: %s ms (aim: 50 more than the command alone)\n' \
    "$(times /bin/true)" "$(times inside true)" "$(
        for i in 1 2 3 4 5 6 7 8 9 10 11; do
            begun=$(date +%s%N)
            echo $((($(inside date +%s%N) - begun) / 10000))
        done | sort -n | awk 'NR == 6 { printf "%.2f", $1 / 100 }'
    )"
