//! An approval, as people and programs see it.

use serde::Serialize;
use valetkey_sdk::wire::developer as dev;

use crate::{
    commands::view::User,
    output::{Page, Show, Tone, left, moment, quote, remaining, span},
};

/// As what leave to use the network is asked for.
const NETWORK: &str = "network";

/// One question and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Approval {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) user: Option<User>,
    pub(crate) agent: String,
    pub(crate) workspace: Option<String>,
    pub(crate) credential: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: String,
    pub(crate) lifetime_seconds: u64,
    pub(crate) reason: Option<String>,
    pub(crate) tier: String,
    pub(crate) policies: Vec<String>,
    pub(crate) digest: String,
    pub(crate) asked_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) state: String,
    pub(crate) with_reviewer: bool,
    pub(crate) answered_by: Option<String>,
    pub(crate) answered_at: Option<u64>,
    pub(crate) once: bool,
    pub(crate) granted_until: Option<u64>,
    pub(crate) last_used_at: Option<u64>,
    pub(crate) idle_seconds: Option<u64>,
    pub(crate) ending: Option<String>,
    pub(crate) opinion: Option<Opinion>,
    pub(crate) may_answer: bool,
}

/// What the automatic reviewer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Opinion {
    pub(crate) finding: String,
    pub(crate) risk: Option<String>,
    pub(crate) rationale: String,
    pub(crate) reviewer: String,
}

impl From<dev::Approval> for Approval {
    fn from(approval: dev::Approval) -> Self {
        Self {
            id: approval.id,
            session: approval.session,
            user: approval.user.map(User::from),
            agent: approval.agent,
            workspace: approval.workspace,
            credential: approval.credential,
            scopes: approval.scopes,
            audience: approval.audience,
            lifetime_seconds: approval.lifetime_seconds,
            reason: approval.reason,
            tier: approval.tier,
            policies: approval.policies,
            digest: approval.digest,
            asked_at: approval.asked_at,
            expires_at: approval.expires_at,
            state: approval.state,
            with_reviewer: approval.with_reviewer,
            answered_by: approval.answered_by,
            answered_at: approval.answered_at,
            once: approval.once,
            granted_until: approval.granted_until,
            last_used_at: approval.last_used_at,
            idle_seconds: approval.idle_seconds,
            ending: approval.ending,
            opinion: approval.opinion.map(|opinion| Opinion {
                finding: opinion.finding,
                risk: opinion.risk,
                rationale: opinion.rationale,
                reviewer: opinion.reviewer,
            }),
            may_answer: approval.may_answer,
        }
    }
}

impl Approval {
    /// Whether it waits for an answer.
    pub(crate) fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// Whether a yes stands that can be used.
    pub(crate) fn stands(&self) -> bool {
        self.state == "granted"
    }

    /// The end of its id, which differs from one to the next; the beginning of a UUIDv7 is the time.
    pub(crate) fn short(&self) -> String {
        let from = self.id.chars().count().saturating_sub(8);
        self.id.chars().skip(from).collect()
    }

    /// Whose session asks.
    pub(crate) fn user(&self) -> &str {
        self.user.as_ref().map_or("unknown", User::name)
    }

    /// Until when it can be answered or used, while it can.
    pub(crate) fn until(&self) -> Option<u64> {
        match self.state.as_str() {
            "open" => Some(self.expires_at),
            "granted" => self.granted_until,
            _ => None,
        }
    }

    /// Where it stands, in a few words.
    pub(crate) fn standing(&self) -> String {
        match self.state.as_str() {
            "open" if self.with_reviewer => "with reviewer".to_owned(),
            "granted" if self.once => "yes, once".to_owned(),
            "granted" => "yes".to_owned(),
            "over" => self.ending.clone().unwrap_or_default().replace('_', " "),
            state => state.to_owned(),
        }
    }

    /// What it is about, in one line.
    pub(crate) fn subject(&self) -> String {
        let (credential, asked) = (&self.credential, self.asked());
        format!(
            "`{credential}` ({asked}) for agent `{}` of {}",
            self.agent,
            self.user()
        )
    }

    fn is_network(&self) -> bool {
        self.credential == NETWORK
    }

    /// What a yes that is given once is for.
    pub(crate) fn once(&self) -> String {
        if self.is_network() {
            format!("this address, for {}", span(self.lifetime_seconds))
        } else {
            "one token".to_owned()
        }
    }

    /// Until when it stands, in words to be put behind others. A yes that is given once has to be used by
    /// then, and is good for its own time from there.
    pub(crate) fn good_until(&self) -> String {
        match self.granted_until.map(moment) {
            None => String::new(),
            Some(at) if self.once => format!(", if it is used before {at}"),
            Some(at) => format!(", until {at}"),
        }
    }

    /// After how many seconds without use it lapses, where it could do so before it is over anyway.
    pub(crate) fn lapses_after(&self) -> Option<u64> {
        let whole = self.granted_until.zip(self.answered_at);
        let whole = whole.map(|(until, from)| until.saturating_sub(from));
        self.idle_seconds
            .filter(|idle| whole.is_none_or(|whole| *idle < whole))
    }

    /// The scopes; of leave to use the network also what for, without which they say nothing.
    pub(crate) fn asked(&self) -> String {
        let scopes = self.scopes.join(" ");
        if self.is_network() {
            format!("{scopes} {}", self.audience)
        } else {
            scopes
        }
    }

    /// All that is granted with a yes, and what the broker knows about it; one fact each. What others say
    /// is not among them.
    pub(crate) fn facts(&self, now: u64) -> Vec<(&'static str, String)> {
        let user = self.user.as_ref();
        let who = user.map_or_else(
            || "unknown".to_owned(),
            |user| format!("{} ({} at {})", user.name(), user.subject, user.issuer),
        );
        let policies = match self.policies.as_slice() {
            [] => String::new(),
            policies => format!(", asked for by {}", policies.join(", ")),
        };
        let mut facts = vec![
            ("approval", self.id.clone()),
            ("state", self.state_in_full(now)),
            ("who", who),
            (
                "agent",
                format!("{} (session {})", self.agent, self.session),
            ),
        ];
        if self.is_network() {
            facts.push(("network", self.asked()));
        } else {
            facts.extend([
                ("credential", self.credential.clone()),
                ("scopes", self.scopes.join(" ")),
                ("audience", self.audience.clone()),
            ]);
        }
        let lifetime = span(self.lifetime_seconds);
        let lifetime = if self.is_network() {
            format!("{lifetime}, then it is asked about again")
        } else {
            format!("each token {lifetime} at most")
        };
        facts.extend([
            ("lifetime", lifetime),
            ("tier", format!("{}{policies}", self.tier)),
        ]);
        if self.is_open() && !self.may_answer {
            let text = "this account may not say yes to it";
            facts.push(("yours", text.to_owned()));
        }
        facts
    }

    /// What others say, in quotes, to stand below all facts: words that an agent chooses, or can sway,
    /// have nothing below them that they could push away or imitate.
    pub(crate) fn said(&self) -> Vec<(&'static str, String)> {
        let opinion = self.opinion.as_ref();
        let workspace = self.workspace.as_deref();
        let reason = self.reason.as_deref();
        let said = [
            opinion.map(|opinion| ("reviewer", opinion.words())),
            workspace.map(|path| ("workspace", quote(path))),
            reason.map(|words| {
                let text = format!("{} (the agent's own words, unchecked)", quote(words));
                ("it says", text)
            }),
        ];
        said.into_iter().flatten().collect()
    }

    /// Whether the account that looks may answer, where that is still a question.
    fn yours(&self) -> &'static str {
        match (self.is_open(), self.may_answer) {
            (false, _) => "-",
            (true, true) => "yes",
            (true, false) => "no",
        }
    }

    fn state_in_full(&self, now: u64) -> String {
        let by = self.answered_by.as_deref().unwrap_or("unknown");
        match self.state.as_str() {
            "open" => {
                let with = if self.with_reviewer {
                    " with the automatic reviewer"
                } else {
                    ""
                };
                format!("open{with}, {} left", left(self.expires_at, now))
            }
            "granted" => {
                let mut text = format!("granted by {by}");
                if self.once {
                    text.push_str(&format!(" for {}", self.once()));
                }
                text.push_str(&self.good_until());
                if let Some(used) = self.last_used_at {
                    text.push_str(&format!(", last used {}", moment(used)));
                }
                if let Some(idle) = self.lapses_after() {
                    text.push_str(&format!(", lapses after {} without use", span(idle)));
                }
                text
            }
            "refused" => format!("refused by {by}"),
            "over" => format!("over: {}", self.standing()),
            state => state.to_owned(),
        }
    }
}

impl Opinion {
    fn words(&self) -> String {
        let risk = self.risk.as_deref().unwrap_or("not told");
        format!(
            "{}, risk {risk}: {} ({})",
            self.finding,
            quote(&self.rationale),
            self.reviewer
        )
    }
}

/// Approvals, one to a row.
#[derive(Serialize)]
pub(super) struct List {
    approvals: Vec<Approval>,
}

impl List {
    /// Questions first, then answers that stand, then the rest; the oldest of each first.
    pub(super) fn new(mut approvals: Vec<Approval>) -> Self {
        approvals.sort_by_key(|approval| (rank(approval), approval.asked_at));
        Self { approvals }
    }
}

/// Questions come first, then answers that stand.
pub(super) fn rank(approval: &Approval) -> u8 {
    match approval.state.as_str() {
        "open" => 0,
        "granted" => 1,
        _ => 2,
    }
}

impl Show for List {
    fn show(&self, page: &mut Page) {
        if self.approvals.is_empty() {
            return page.line("Nothing waits for an approval, and no answer stands.");
        }
        let rows = self.approvals.iter().map(|approval| {
            let tone = match approval.state.as_str() {
                "open" if approval.may_answer => Tone::Care,
                "open" | "granted" => Tone::Plain,
                _ => Tone::Dim,
            };
            let cells = [
                approval.short(),
                approval.standing(),
                approval.until().map_or_else(|| "-".to_owned(), remaining),
                approval.yours().to_owned(),
                approval.agent.clone(),
                approval.credential.clone(),
                approval.asked(),
                approval.user().to_owned(),
            ];
            (tone, cells)
        });
        page.table(
            [
                "id",
                "state",
                "left",
                "you may answer",
                "agent",
                "credential",
                "scopes",
                "user",
            ],
            rows.collect(),
        );
    }
}

#[cfg(test)]
mod tests {
    use valetkey_sdk::wire::developer as dev;

    use super::Approval;

    #[test]
    fn what_is_over_before_it_could_lapse_does_not_lapse() {
        let standing = |until| {
            Approval::from(dev::Approval {
                state: "granted".to_owned(),
                answered_at: Some(1_000_000_000),
                granted_until: Some(until),
                idle_seconds: Some(1800),
                ..dev::Approval::default()
            })
        };
        for (until, lapses) in [
            (1_000_000_300, None),
            (1_000_001_800, None),
            (1_000_001_801, Some(1800)),
        ] {
            let approval = standing(until);
            assert_eq!(approval.lapses_after(), lapses);
            let told = approval.state_in_full(0).contains("without use");
            assert_eq!(told, lapses.is_some());
        }
    }
}
