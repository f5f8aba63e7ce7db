//! What a room has of the host's `/etc`: what programs need to run, and nothing that says who may do what.

/// Files and folders, shown read-only where the host has them. Not among them: `shadow`, `sudoers`, the
/// keys of `ssh`, `ssl/private`, `krb5*`, and `resolv.conf`, which would name servers that a room cannot
/// reach.
pub(crate) const SHOWN: &[&str] = &[
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "default/locale",
    "fonts",
    "gitconfig",
    "group",
    "host.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "login.defs",
    "mime.types",
    "npmrc",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "pip.conf",
    "pki/tls/certs",
    "pki/ca-trust/extracted",
    "profile",
    "profile.d",
    "protocols",
    "services",
    "shells",
    "ssl/certs",
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "vim",
    "xml",
];

/// The beginnings of names with a version in them.
pub(crate) const SHOWN_BY_PREFIX: &[&str] = &["java-", "python3"];

/// Instead of the host's, whose names are of a network that a room cannot reach. The name of the room is
/// here because Java waits for an answer about it.
pub(crate) const HOSTS: &str = "127.0.0.1 localhost valetkey\n::1 localhost\n";
