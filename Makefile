# The front door. `make demo` shows the main job, `make test` proves it; both set up what they need.
.DEFAULT_GOAL := help
.PHONY: help demo test check fuzz bench install uninstall

target := $(or $(CARGO_TARGET_DIR),target)
host = $(shell rustc -vV | sed -n 's/^host: //p')
programs := -p valetkey-daemon -p valetkey-cli -p valetkey-devidp

help:
	@echo 'make demo      watch the main job happen for real (your own provider: ISSUER=… CLIENT_ID=… DEV_GROUP=… ADMIN_GROUP=…)'
	@echo 'make test      prove it: unit, contract and end-to-end tests, against real components'
	@echo 'make check     formatting and lints'
	@echo 'make fuzz      fuzz what reads hostile bytes, a minute for each door (TARGET=… SECONDS=…)'
	@echo 'make bench     measure it against floors and peers of the same run'
	@echo 'make install   build for release and install for this user, with systemd user units'

demo:
	@tests/provision/demo.sh
	cargo build --locked $(programs)
	@BIN=$(target)/debug ISSUER='$(ISSUER)' CLIENT_ID='$(CLIENT_ID)' DEV_GROUP='$(DEV_GROUP)' \
		ADMIN_GROUP='$(ADMIN_GROUP)' ONE_LOGIN='$(ONE_LOGIN)' tests/demo/demo.sh

test:
	@tests/provision/test.sh
	cargo build --locked --workspace --bins
	cargo nextest run --locked --workspace
	cargo test --locked --workspace --doc --quiet

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

fuzz:
	@tests/fuzz/run.sh '$(TARGET)' '$(SECONDS)'

bench:
	@tests/provision/bench.sh
	@tests/bench/run.sh

prefix := $(HOME)/.local
units := $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/systemd/user

# The client is linked statically: it starts in about half the time. The target is named so that build
# scripts and procedural macros are not.
install:
	cargo build --locked --release -p valetkey-daemon
	RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile dist --target $(host) -p valetkey-cli
	install -D -m 755 $(target)/release/valetkeyd $(prefix)/bin/valetkeyd
	install -D -m 755 $(target)/$(host)/dist/valetkey $(prefix)/bin/valetkey
	install -D -m 644 -t $(units) broker/daemon/systemd/valetkeyd.service broker/daemon/systemd/valetkeyd.socket
	@echo 'installed; write ~/.config/valetkey/config.toml (see README.md), then'
	@echo '  systemctl --user daemon-reload && systemctl --user enable --now valetkeyd.socket'

uninstall:
	rm -f $(prefix)/bin/valetkeyd $(prefix)/bin/valetkey $(units)/valetkeyd.service $(units)/valetkeyd.socket
