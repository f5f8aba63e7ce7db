//! `valetkey secret`: long-lived secrets in the keyring.

use std::io::{self, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use serde::Serialize;
use valetkey_sdk::{Control, Exit};
use zeroize::Zeroizing;

use super::Outcome;
use crate::{
    failure::Failure,
    output::{Output, Page, Show, Tone},
};

/// The longest secret that is read, in bytes.
const LIMIT: usize = 64 << 10;

/// Keep long-lived secrets in the OS keyring
#[derive(Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Store a secret, from a prompt or standard input
    ///
    /// At most 64 KiB; one line end at the end is taken off. A secret is never an argument, because
    /// arguments can be read by every process of the machine.
    #[command(after_help = "Example: valetkey secret add deploy-key < key.pem")]
    Add {
        /// Name of the credential that it belongs to
        name: String,
    },
    /// List the names of what is stored
    #[command(after_help = "Example: valetkey secret list")]
    List,
    /// Remove a secret
    #[command(after_help = "Example: valetkey secret remove deploy-key")]
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Serialize)]
struct Done {
    name: String,
    #[serde(skip)]
    done: &'static str,
}

#[derive(Serialize)]
struct List {
    store: String,
    names: Vec<String>,
}

impl Secret {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let connect = async || Control::from_env().await.map(|control| control.developer());
        match self.action {
            Action::Add { name } => {
                // Before anybody types: a broker that is not there should say so first.
                let developer = connect().await?;
                let value = read(&name)?;
                let stored = output
                    .waiting("writing to the keyring", developer.put_secret(&name, value))
                    .await?;
                let done = match stored.replaced {
                    true => "replaced in the keyring",
                    false => "stored in the keyring",
                };
                let said = Done { name, done };
                output.print(&said)?;
                if !stored.used {
                    output.remark(&format!(
                        "no credential of the configuration has a secret `{}`; sign-in, a webhook or the reviewer may",
                        said.name
                    ));
                }
            }
            Action::List => {
                let developer = connect().await?;
                let list = output
                    .waiting("reading the keyring", developer.secrets())
                    .await?;
                output.print(&List {
                    store: list.store,
                    names: list.names,
                })?;
            }
            Action::Remove { name } => {
                let developer = connect().await?;
                output
                    .waiting("writing to the keyring", developer.remove_secret(&name))
                    .await?;
                let done = "removed from the keyring";
                output.print(&Done { name, done })?;
            }
        }
        Ok(Exit::Ok)
    }
}

fn read(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let value = if io::stdin().is_terminal() {
        let prompt = format!("Secret `{}`, not shown: ", name.escape_default());
        let typed = rpassword::prompt_password(prompt)
            .map_err(|error| Failure::local(format!("the secret cannot be read: {error}")))?;
        Zeroizing::new(typed.into_bytes())
    } else {
        // With room from the start: a buffer that grows leaves copies behind.
        let mut value = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
        io::stdin()
            .lock()
            .take(LIMIT as u64 + 1)
            .read_to_end(&mut value)
            .map_err(|error| Failure::local(format!("the secret cannot be read: {error}")))?;
        value
    };
    accept(value)
}

fn accept(mut value: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if value.len() > LIMIT {
        return Err(Failure::usage(
            "the secret is longer than 64 KiB",
            "store a shorter one",
        ));
    }
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    if value.is_empty() {
        return Err(Failure::usage(
            "the secret is empty",
            "type it at the prompt, or pass it on standard input",
        ));
    }
    Ok(value)
}

impl Show for Done {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Secret `{}` {}.", self.name, self.done));
    }
}

impl Show for List {
    fn show(&self, page: &mut Page) {
        if self.names.is_empty() {
            return page.line(&format!("No secrets are stored in {}.", self.store));
        }
        let rows = self.names.iter().map(|name| {
            let cells = [name.clone(), self.store.clone()];
            (Tone::Plain, cells)
        });
        page.table(["name", "store"], rows.collect());
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::{LIMIT, accept};

    fn accepted(value: &[u8]) -> Option<Vec<u8>> {
        accept(Zeroizing::new(value.to_vec()))
            .ok()
            .map(|value| value.to_vec())
    }

    #[test]
    fn one_line_end_is_taken_off() {
        assert_eq!(accepted(b"x\n").unwrap(), b"x");
        assert_eq!(accepted(b"x\r\n").unwrap(), b"x");
        assert_eq!(accepted(b"x\n\n").unwrap(), b"x\n");
        assert_eq!(accepted(b"x\r").unwrap(), b"x\r");
        assert_eq!(accepted(b"\xff\x00").unwrap(), b"\xff\x00");
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert!(accepted(b"").is_none());
        assert!(accepted(b"\n").is_none());
        assert!(accepted(b"\r\n").is_none());
        assert!(accepted(&vec![b'x'; LIMIT]).is_some());
        assert!(accepted(&vec![b'x'; LIMIT + 1]).is_none());
    }
}
