//! Approvals, webhook and reviewer under requirements.

use std::{collections::BTreeSet, path::Path};

use valetkey_core::approval::ApprovalRules;

use crate::config::{
    file,
    requirements::{
        file::{Approvals, Reviewer},
        told::Told,
        trusted::changeable,
    },
    span::Span,
};

pub(super) fn approvals(mine: &mut file::Approvals, required: Approvals, told: &mut Told) {
    let ceilings = [
        (
            "expire_after",
            &mut mine.expire_after,
            required.expire_after,
        ),
        ("once_within", &mut mine.once_within, required.once_within),
        (
            "remember_max",
            &mut mine.remember_max,
            required.remember_max,
        ),
        (
            "remember_idle",
            &mut mine.remember_idle,
            required.remember_idle,
        ),
    ];
    for (key, mine, ceiling) in ceilings {
        told.at_most(&format!("approvals.{key}"), mine, ceiling);
    }
    // In a window of a second nobody asks often: a bound on how often one asks binds the window too.
    let counted = required.suspend_after.is_some() || required.slow_after.is_some();
    let default_window = counted.then(|| Span(ApprovalRules::default().window));
    let floors = [
        (
            "refusal_holds",
            &mut mine.refusal_holds,
            required.refusal_holds,
        ),
        (
            "window",
            &mut mine.window,
            required.window.or(default_window),
        ),
        ("slow_gap", &mut mine.slow_gap, required.slow_gap),
    ];
    for (key, mine, floor) in floors {
        told.at_least(&format!("approvals.{key}"), mine, floor);
    }
    // Whoever is suspended after so many is slowed down before.
    let before_suspension = required.suspend_after.map(|after| after.saturating_sub(1));
    let slow_after = match (required.slow_after, before_suspension) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let numbers = [
        ("max_open", &mut mine.max_open, required.max_open),
        ("slow_after", &mut mine.slow_after, slow_after),
        (
            "suspend_after",
            &mut mine.suspend_after,
            required.suspend_after,
        ),
    ];
    for (key, mine, ceiling) in numbers {
        told.at_most(&format!("approvals.{key}"), mine, ceiling);
    }
    told.set(
        "approvals.approver_groups",
        &mut mine.approver_groups,
        required.approver_groups,
    );
    let four_eyes = required.four_eyes.filter(|required| *required);
    told.set("approvals.four_eyes", &mut mine.four_eyes, four_eyes);
    webhook(mine, required.webhook.allowed.as_ref(), told);
}

fn webhook(mine: &mut file::Approvals, allowed: Option<&BTreeSet<String>>, told: &mut Told) {
    let Some(webhook) = &mut mine.webhook else {
        return;
    };
    match allowed {
        Some(allowed) if !allowed.contains(&webhook.url) => {
            told.tell("approvals.webhook", &webhook.url, &"none");
            mine.webhook = None;
        }
        Some(_) => {}
        // A webhook vouches for whoever answers. One that the user chose could vouch for anybody.
        None => told.set(
            "approvals.webhook.may_answer",
            &mut webhook.may_answer,
            Some(false),
        ),
    }
}

pub(super) fn reviewer(
    mine: &mut Option<file::Reviewer>,
    required: Reviewer,
    owner: u32,
    told: &mut Told,
) {
    let Some(reviewer) = mine else {
        return;
    };
    let identity = reviewer.identity();
    // A reviewer says yes in the place of a person, so there is none but those that the admin allows.
    let why = if !required.allowed.contains(&identity) || ambiguous(reviewer) {
        Some("none: not among those that are allowed".to_owned())
    } else {
        files(reviewer)
            .find_map(|file| changeable(file, owner))
            .map(|why| format!("none: {why}"))
    };
    if let Some(why) = why {
        told.tell("reviewer", &identity, &why);
        *mine = None;
        return;
    }
    // Policies trust a reviewer by its name, so its name is what it is and not what the user says.
    if reviewer.name.as_ref().is_some_and(|name| *name != identity) {
        told.set("reviewer.name", &mut reviewer.name, Some(Some(identity)));
    } else {
        reviewer.name = Some(identity);
    }
    // 0 is for never, which is more than any number.
    let denials = required.denials.filter(|denials| *denials > 0);
    if reviewer.denials == 0 {
        told.set("reviewer.denials", &mut reviewer.denials, denials);
    }
    told.at_most("reviewer.denials", &mut reviewer.denials, denials);
    told.set(
        "reviewer.extra_ca",
        &mut reviewer.extra_ca,
        Some(required.extra_ca.filter(|_| reviewer.url.is_some())),
    );
}

/// A word with a space in it could pass for two of an allowed command.
fn ambiguous(reviewer: &file::Reviewer) -> bool {
    let mut words = reviewer.command.iter().flatten();
    words.any(|word| word.is_empty() || word.contains(char::is_whitespace))
}

/// The program, and every file that it is given: a script is as much of it as its interpreter.
fn files(reviewer: &file::Reviewer) -> impl Iterator<Item = &Path> {
    let words = reviewer.command.iter().flatten().map(Path::new);
    words.filter(|word| word.is_absolute())
}
