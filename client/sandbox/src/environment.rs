//! The variables that an agent has: set here, by the session, or let through by name.

use std::{env, path::Path};

use crate::{
    error::Error,
    options::Options,
    room::{HOME, PROGRAMS, PROXY_PORT, Room, SOCKETS},
    trust::FOR_JAVA,
};

/// Let through whatever the profile says: how a terminal shows text, in which language, the time, and
/// the user's name, which `/etc/passwd` says too.
const HARMLESS: &[&str] = &[
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "USER",
    "LOGNAME",
];

/// A later one replaces an earlier one of the same name: the session's word is the last.
pub(crate) fn add(options: &mut Options, room: &Room) -> Result<(), Error> {
    options.flag(&["--clearenv"]);
    let_through(options, room);
    options.variable(
        "PATH",
        format!("{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    );
    options.variable("HOME", HOME);
    let bash = Path::new("/bin/bash");
    let shell = if bash.exists() {
        "/bin/bash"
    } else {
        "/bin/sh"
    };
    options.variable("SHELL", shell);
    options.variable("TMPDIR", "/tmp");
    options.variable("PWD", &room.workspace.path);
    if room.proxy {
        through_the_proxy(options);
        java(options, room);
    }
    for (name, value) in &room.variables {
        if name.is_empty() || name.contains('=') {
            return Err(Error::Plan("a variable whose name is no name"));
        }
        options.variable(name, value);
    }
    if let Some(name) = room.socket.as_ref().and_then(|socket| socket.file_name()) {
        let mut path = std::ffi::OsString::from(format!("{SOCKETS}/"));
        path.push(name);
        options.variable("VALETKEY_SOCKET", path);
    }
    Ok(())
}

fn let_through(options: &mut Options, room: &Room) {
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let harmless = HARMLESS.contains(&name) || name.starts_with("LC_");
        if harmless || room.pass.iter().any(|passed| passed == name) {
            options.variable(name, value);
        }
    }
}

fn through_the_proxy(options: &mut Options) {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        options.variable(name, &proxy);
        options.variable(&name.to_lowercase(), &proxy);
    }
    for name in ["NO_PROXY", "no_proxy"] {
        options.variable(name, "localhost,127.0.0.1,::1");
    }
    options.variable("NODE_USE_ENV_PROXY", "1");
}

/// Java heeds no variable of other programs.
fn java(options: &mut Options, room: &Room) {
    let mut words = ["http", "https"]
        .map(|scheme| format!("-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={PROXY_PORT}"))
        .join(" ");
    if room.authority.is_some() {
        let store = "-Djavax.net.ssl.trustStore";
        words = format!("{words} {store}={FOR_JAVA} {store}Type=JKS");
    }
    options.variable("JAVA_TOOL_OPTIONS", words);
}
