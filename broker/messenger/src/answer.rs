//! What may come back: one JSON object that names the question, who answered, and what they said.

use std::collections::BTreeSet;

use serde::Deserialize;
use valetkey_core::{
    Approval, User, UserId,
    approval::Answer,
    ports::CarriedAnswer,
    text::{is_hostile, printable},
};

/// What tells an answer from a question, which is signed with the same secret.
const TYPE: &str = "approval.answered";
/// Longest issuer, subject or group, in bytes.
const NAME: usize = 512;
/// Most groups of one user.
const GROUPS: usize = 500;
/// Longest name to show, in characters.
const DISPLAY: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    r#type: String,
    approval: String,
    digest: String,
    nonce: String,
    answer: String,
    #[serde(default)]
    seconds: Option<u64>,
    by: By,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    issuer: String,
    subject: String,
    #[serde(default)]
    display: Option<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
}

/// Reads the answer to `question`, which was posted with `nonce`. The signature has been checked.
///
/// # Errors
/// A sentence, which quotes nothing of it.
pub(crate) fn read(body: &[u8], question: &Approval, nonce: &str) -> Result<CarriedAnswer, String> {
    let answered: Answered = serde_json::from_slice(body).map_err(|error| {
        format!(
            "it is not the expected json at line {}, column {}",
            error.line(),
            error.column()
        )
    })?;
    let id = question.id.to_string();
    let digest = question.digest().to_string();
    for (what, said, meant) in [
        ("type", &answered.r#type, TYPE),
        ("approval", &answered.approval, &id),
        ("digest", &answered.digest, &digest),
        ("nonce", &answered.nonce, nonce),
    ] {
        if said != meant {
            return Err(format!("its `{what}` is not that of the question"));
        }
    }
    Ok(CarriedAnswer {
        answer: answer(&answered.answer, answered.seconds)?,
        by: user(answered.by)?,
        digest,
    })
}

fn answer(word: &str, seconds: Option<u64>) -> Result<Answer, String> {
    match (word, seconds) {
        ("once", None) => Ok(Answer::Once),
        ("for", Some(seconds)) => Ok(Answer::For(seconds)),
        ("session", None) => Ok(Answer::Session),
        ("no", None) => Ok(Answer::No),
        ("no_and_end", None) => Ok(Answer::NoAndEnd),
        _ => Err("its `answer` is none".to_owned()),
    }
}

fn user(by: By) -> Result<User, String> {
    let names = [&by.issuer, &by.subject].into_iter().chain(&by.groups);
    for name in names {
        if name.is_empty() || name.len() > NAME || name.chars().any(is_hostile) {
            return Err("its `by` has a name that is none".to_owned());
        }
    }
    if by.groups.len() > GROUPS {
        return Err(format!("its `by` has more than {GROUPS} groups"));
    }
    Ok(User {
        display: printable(by.display.as_deref().unwrap_or(&by.subject), DISPLAY),
        id: UserId {
            issuer: by.issuer,
            subject: by.subject,
        },
        groups: by.groups,
    })
}
