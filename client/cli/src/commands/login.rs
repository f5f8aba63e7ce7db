//! `valetkey login`: the one sign-in.

use std::env;

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit, wire::developer::login_response::Step as Wire};

use super::{Outcome, view::User};
use crate::{
    args::ACCOUNT,
    browser,
    failure::Failure,
    output::{Output, Page, Show, Tone, span},
};

/// Sign in at the identity provider, in the browser or on another device
#[derive(Args)]
#[command(after_help = "Example: valetkey login --account work")]
pub(crate) struct Login {
    /// Which of several logins this is
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
    /// Show a code to enter on another device
    #[arg(long)]
    device: bool,
    /// Print the address and let me open it
    #[arg(long)]
    no_browser: bool,
}

/// What a login says on its way, one line of JSON each.
#[derive(Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Step {
    Browser {
        url: String,
    },
    Device {
        verification_uri: String,
        verification_uri_complete: Option<String>,
        user_code: String,
        expires_in: u64,
    },
    Done {
        account: String,
        user: User,
    },
}

impl Login {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        // First, because inside a sandbox nobody signs in, with or without a browser.
        let control = Control::from_env().await?;
        let opens = !self.device && !self.no_browser;
        if opens && env::var_os("VALETKEY_SOCKET").is_some_and(|path| !path.is_empty()) {
            return Err(Failure::usage(
                "`VALETKEY_SOCKET` is set, and inside a session no browser is opened",
                "run `valetkey login` in your own shell, or with `--no-browser`",
            ));
        }
        let developer = control.developer();
        let mut steps = output
            .waiting(
                "asking the identity provider",
                developer.login(&self.account, self.device),
            )
            .await?;
        let mut label = "asking the identity provider";
        while let Some(answer) = output.waiting(label, steps.next()).await? {
            let step = match answer.step {
                Some(Wire::Browser(browser)) => Step::Browser { url: browser.url },
                Some(Wire::Device(device)) => Step::Device {
                    verification_uri: device.verification_uri,
                    verification_uri_complete: device.verification_uri_complete,
                    user_code: device.user_code,
                    expires_in: device.expires_in,
                },
                Some(Wire::Done(user)) => {
                    let account = self.account;
                    let user = user.into();
                    output.print(&Step::Done { account, user })?;
                    return Ok(Exit::Ok);
                }
                None => continue,
            };
            output.print(&step)?;
            label = "waiting for you to sign in";
            if let Step::Browser { url } = step
                && opens
                && !browser::open(&url)
            {
                label = "no browser could be started; open the address yourself";
            }
        }
        Err(Failure::local(
            "the broker ended the login without saying how it went",
        ))
    }
}

impl Show for Step {
    fn show(&self, page: &mut Page) {
        match self {
            Self::Browser { url } => {
                page.line("Sign in at this address:");
                page.toned(Tone::Strong, url);
            }
            Self::Device {
                verification_uri,
                verification_uri_complete,
                user_code,
                expires_in,
            } => {
                page.line("Open this address on any device and enter the code:");
                page.toned(Tone::Strong, verification_uri);
                page.toned(Tone::Strong, user_code);
                if let Some(complete) = verification_uri_complete {
                    page.toned(Tone::Dim, &format!("or open {complete}"));
                }
                page.toned(
                    Tone::Dim,
                    &format!("The code is good for {}.", span(*expires_in)),
                );
            }
            Self::Done { account, user } => {
                let groups = match user.groups.as_slice() {
                    [] => "no groups, which most policies ask for".to_owned(),
                    groups => format!("groups {}", groups.join(" ")),
                };
                page.toned(
                    Tone::Good,
                    &format!(
                        "Logged in as {} at {} (account {account}; {groups}).",
                        user.name(),
                        user.issuer
                    ),
                );
            }
        }
    }
}
