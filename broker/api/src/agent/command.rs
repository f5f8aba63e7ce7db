//! What a command is given, by the rules for commands.

use valetkey_codes::Code;
use valetkey_core::{
    Delivery, Refusal, Tier,
    commands::CommandRule,
    request::{Ask, Wanted},
};
use valetkey_wire::agent::{PrepareCommandResponse, Variable};

use super::{
    desk::{Desk, Refused},
    grpc,
    wait::{self, Wait},
};
use crate::serve::Allowance;

/// Most words of a command line, and most bytes of all of them.
const WORDS: usize = 4096;
const BYTES: usize = 32 << 10;

/// Asks for what the rule for `command` gives it: for nothing else, with at least the rule's friction.
pub(super) async fn prepare(
    desk: &Desk,
    command: &[String],
    wait: Wait,
    allowance: &Allowance,
) -> Result<PrepareCommandResponse, Refused> {
    let refused = |refusal: Refusal| (refusal, desk.reference());
    let bytes: usize = command.iter().map(String::len).sum();
    if command.is_empty() || command.len() > WORDS || bytes > BYTES {
        return Err(refused(
            Refusal::new(Code::InvalidRequest)
                .saying("a command line has 1 to 4096 words of 32 KiB in all"),
        ));
    }
    let Some(rule) = desk.commands().find(command) else {
        return Err(desk.refuse_command(command, None).await);
    };
    let Some(ask) = ask(rule, command) else {
        return Err(desk.refuse_command(command, Some(rule)).await);
    };
    let credential = desk.credentials().find(&ask.credential);
    let is_injected = credential.is_some_and(|one| matches!(one.delivery, Delivery::Inject(_)));
    let (wanted, placeholder) = if is_injected {
        // What it would be given is the proxy's; it gets what stands for that.
        let placeholder = desk.placeholder(&ask.credential).ok_or_else(|| {
            refused(Refusal::new(Code::InjectOnly).saying(
                "that credential is used through the proxy of a sandbox, and this session has none",
            ))
        })?;
        (Wanted::Use, Some(placeholder))
    } else {
        (Wanted::Token, None)
    };
    let asked = Ask { wanted, ..ask };
    let released = wait::token(desk, asked, wait, allowance).await?;
    let name = rule.variable.clone().unwrap_or_default();
    let value = match placeholder {
        Some(placeholder) => placeholder,
        None => {
            let reply = grpc::token(&released, desk.now_seconds()).map_err(refused)?;
            reply.access_token
        }
    };
    Ok(PrepareCommandResponse {
        rule: rule.to_string(),
        variables: vec![Variable { name, value }],
        expires_at: released.lease().expires,
    })
}

/// What the rule gives; `None` where it refuses.
fn ask(rule: &CommandRule, command: &[String]) -> Option<Ask> {
    let credential = rule
        .credential
        .as_ref()
        .filter(|_| rule.tier != Tier::Deny)?;
    Some(Ask {
        credential: credential.to_string(),
        scopes: rule.scopes.iter().map(str::to_owned).collect(),
        audience: rule.audience.clone(),
        reason: Some(format!("to run: {}", command.join(" "))),
        least: rule.tier,
        ..Ask::default()
    })
}
