//! `valetkey srt-decider`: the decider of another sandbox's proxy.

mod broken;
mod decide;
mod frame;
mod hosts;
mod link;
mod protocol;
mod stream;

use std::{sync::Arc, time::Duration};

use clap::Args;
use valetkey_sdk::{Agent, Code, Error, Exit, SessionWatch, deadline};

use self::{decide::Judge, hosts::Host, link::speak};
use super::Outcome;
use crate::{failure::Failure, lifetime};

/// Decide for Anthropic's `srt-proxy` what a session may reach
///
/// A host starts it outside of the sandbox, with VALETKEY_SOCKET naming the session, and with one socket or
/// two pipes to the proxy as standard input and output. It asks the broker about each request, gives no
/// credential to anybody, and ends when the session is over or the broker has gone; the proxy ends with it.
#[derive(Args)]
#[command(
    after_help = "Example: valetkey srt-decider --host api.example.com --host '*.example.org' <&5 >&5"
)]
pub(crate) struct SrtDecider {
    /// A host that requests may be for at all, such as `api.example.com`, `*.example.org` or
    /// `localhost:8080`; may be given several times. The policies say what is allowed there
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = Host::parse)]
    hosts: Vec<Host>,
    /// Where an approval is needed, a request waits this long for it. The proxy itself gives up after 5s
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = wait, allow_hyphen_values = true)]
    wait: Duration,
}

impl SrtDecider {
    pub(crate) async fn run(self) -> Outcome {
        let unfit = |error: std::io::Error| {
            Failure::usage(
                format!("standard input and output are not a socket or pipes: {error}"),
                "have the host that starts `srt-proxy` start this, with one socket for both",
            )
        };
        let (from, to) = (
            stream::input().map_err(unfit)?,
            stream::output().map_err(unfit)?,
        );
        let agent = Agent::from_env().await?;
        // Before the proxy is told anything, so that no end of the session is missed.
        let mut session = agent.watch().await?;
        let judge = Arc::new(Judge {
            agent,
            hosts: self.hosts,
            wait: self.wait,
        });
        let speaking = speak(from, to, &judge.hosts, |request| {
            let judge = Arc::clone(&judge);
            async move { judge.decide(&request).await }
        });
        tokio::select! {
            biased;
            why = over(&mut session) => Err(why.into()),
            ended = speaking => match ended {
                Err(broken) if !broken.is_end() => Err(broken.into()),
                _ => Ok(Exit::Ok),
            },
        }
    }
}

/// Ready when the session is at work no more, or when nobody would tell. Connections that were allowed then
/// end with the proxy, which ends with this.
async fn over(session: &mut SessionWatch) -> Error {
    loop {
        let code = match session.next().await {
            Ok(Some(session)) => match session.state.as_str() {
                "active" => continue,
                "suspended" => Code::SessionSuspended,
                "held" => Code::SessionHeld,
                _ => Code::SessionEnded,
            },
            Ok(None) => Code::BrokerUnreachable,
            Err(error) => return error,
        };
        return Error::new(code, code.row().text);
    }
}

fn wait(text: &str) -> Result<Duration, String> {
    lifetime::parse(text).and_then(|wait| {
        let fits = wait <= deadline::APPROVAL;
        fits.then_some(wait)
            .ok_or_else(|| "the broker lets nobody wait longer than 10m".to_owned())
    })
}
