//! What `valetkeyd` is told on its command line.

use std::path::PathBuf;

use clap::Parser;

/// The Valetkey credential broker. Runs in the foreground; SIGTERM stops it, SIGHUP reads the policies
/// again.
#[derive(Debug, Parser)]
#[command(name = "valetkeyd", version)]
pub(crate) struct Arguments {
    /// The configuration file [default: ~/.config/valetkey/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Explain what the configuration comes to, and end; exit status 2 where it is not valid
    #[arg(long)]
    pub(crate) check_config: bool,
}
