//! `[approvals]` and `[reviewer]`, checked.

use std::path::PathBuf;

use url::Url;
use valetkey_core::{approval::ApprovalRules, text::printable};

use super::{absolute, is_https_or_loopback, seconds};
use crate::config::{
    file,
    model::{Reviewer, ReviewerKind, Webhook},
    span::Span,
};

/// Longest time that a reviewer or a webhook may take, in seconds.
const LONGEST: u64 = 300;
/// Longest name of a reviewer, in characters.
const NAME: usize = 200;

pub(super) fn rules(
    file: file::Approvals,
    denials: Option<usize>,
) -> Result<ApprovalRules, String> {
    if file.slow_after >= file.suspend_after {
        return Err(format!(
            "`approvals.slow_after` ({}) must be below `approvals.suspend_after` ({}): a session is slowed down before it is suspended",
            file.slow_after, file.suspend_after
        ));
    }
    if file.max_open == 0 {
        return Err("`approvals.max_open` is at least 1".to_owned());
    }
    if file.slow_gap > file.window {
        return Err(
            "`approvals.slow_gap` is longer than `approvals.window`, in which questions are counted"
                .to_owned(),
        );
    }
    Ok(ApprovalRules {
        expire_after: file.expire_after.0,
        once_within: file.once_within.0,
        remember_max: file.remember_max.0,
        remember_idle: file.remember_idle.0,
        refusal_holds: file.refusal_holds.0,
        max_open: file.max_open,
        window: file.window.0,
        slow_after: file.slow_after,
        slow_gap: file.slow_gap.0,
        suspend_after: file.suspend_after,
        denials: denials.unwrap_or_else(|| ApprovalRules::default().denials),
        approver_groups: file.approver_groups,
        four_eyes: file.four_eyes,
    })
}

pub(super) fn webhook(file: file::Webhook) -> Result<Webhook, String> {
    bounded("approvals.webhook.deadline", file.deadline)?;
    Ok(Webhook {
        url: endpoint("approvals.webhook.url", &file.url)?,
        secret: file.secret,
        deadline: seconds(file.deadline),
        may_answer: file.may_answer,
    })
}

pub(super) fn reviewer(file: file::Reviewer) -> Result<Reviewer, String> {
    bounded("reviewer.deadline", file.deadline)?;
    let deadline = seconds(file.deadline);
    let name = file.name.clone();
    let (kind, default_name) = match (file.command, file.url) {
        (Some(words), None) => {
            if file.model.is_some() || file.key.is_some() || file.extra_ca.is_some() {
                return Err(
                    "`reviewer.model`, `reviewer.key` and `reviewer.extra_ca` go with `reviewer.url`, not with `reviewer.command`"
                        .to_owned(),
                );
            }
            command(words)?
        }
        (None, Some(url)) => {
            let model = file.model.filter(|model| !model.is_empty()).ok_or(
                "`reviewer.model` must be there beside `reviewer.url`; it is what the endpoint calls the model",
            )?;
            let default_name = format!("{url}#{model}");
            let kind = ReviewerKind::Chat {
                url: endpoint("reviewer.url", &url)?,
                model,
                key: file.key,
                extra_ca: absolute("reviewer.extra_ca", file.extra_ca)?,
            };
            (kind, default_name)
        }
        _ => {
            return Err("`[reviewer]` has either `command` or `url`".to_owned());
        }
    };
    let name = name.unwrap_or(default_name);
    if name.is_empty() || printable(&name, NAME) != name {
        return Err(format!(
            "`reviewer.name` has 1 to {NAME} characters that can be seen; give it a shorter one"
        ));
    }
    Ok(Reviewer {
        name,
        deadline,
        kind,
    })
}

fn command(words: Vec<String>) -> Result<(ReviewerKind, String), String> {
    let mut words = words.into_iter();
    let program = words
        .next()
        .filter(|program| PathBuf::from(program).is_absolute())
        .ok_or("`reviewer.command` begins with the absolute path of a program")?;
    let kind = ReviewerKind::Command {
        program: PathBuf::from(&program),
        arguments: words.collect(),
    };
    Ok((kind, program))
}

fn endpoint(key: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{key}` is not a URL: {error}"))?;
    let bare = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if is_https_or_loopback(&url) && bare {
        return Ok(url);
    }
    Err(format!(
        "`{key}` must be https (or http on a loopback address), without user, password and fragment"
    ))
}

fn bounded(key: &str, span: Span) -> Result<(), String> {
    if span.0 > LONGEST {
        return Err(format!("`{key}` is at most {}", Span(LONGEST)));
    }
    Ok(())
}
