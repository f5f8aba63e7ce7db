//! `policy check`: a folder is looked at before anybody relies on it.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{
    Control, Exit,
    wire::developer::{self as dev, CheckPoliciesRequest},
};

use super::absolute;
use crate::{
    commands::Outcome,
    output::{Output, Page, Show, Tone, counted},
};

/// Validate a folder of policies, run its cases, and find rules that do nothing
///
/// Without DIR the policies in force are looked at. Exit status 1 where a case does not hold; a rule that
/// does nothing, and one about requests that nobody sees, is a warning.
#[derive(Args)]
#[command(after_help = "Example: valetkey policy check ./policies --cases ./policies/cases")]
pub(super) struct Check {
    /// The folder with the policies
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The folder with tables of cases
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

#[derive(Serialize)]
struct View {
    policies: u64,
    cases: Vec<Case>,
    idle: Vec<Idle>,
    looked_at: u64,
    unseen: Vec<Idle>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    wrong: Option<String>,
}

#[derive(Serialize)]
struct Idle {
    policy: String,
    why: String,
}

impl Check {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let request = CheckPoliciesRequest {
            folder: self.folder.as_deref().map(absolute).transpose()?,
            cases: self.cases.as_deref().map(absolute).transpose()?,
        };
        let developer = Control::from_env().await?.developer();
        let checking = developer.check_policies(request);
        let checked = output.waiting("checking the policies", checking).await?;
        let view = View::from(checked);
        output.print(&view)?;
        Ok(match view.wrong() {
            0 => Exit::Ok,
            _ => Exit::Failure,
        })
    }
}

impl From<dev::CheckPoliciesResponse> for View {
    fn from(checked: dev::CheckPoliciesResponse) -> Self {
        let case = |case: dev::PolicyCase| Case {
            name: case.name,
            wrong: case.wrong,
        };
        let idle = |rule: dev::IdleRule| Idle {
            policy: rule.policy,
            why: rule.why,
        };
        Self {
            policies: checked.policies,
            cases: checked.cases.into_iter().map(case).collect(),
            idle: checked.idle.into_iter().map(idle).collect(),
            looked_at: checked.looked_at,
            unseen: checked.unseen.into_iter().map(idle).collect(),
        }
    }
}

impl View {
    fn wrong(&self) -> usize {
        self.cases
            .iter()
            .filter(|case| case.wrong.is_some())
            .count()
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        for case in &self.cases {
            if let Some(wrong) = &case.wrong {
                page.toned(Tone::Bad, &format!("case {}: {wrong}", case.name));
            }
        }
        for rule in &self.idle {
            page.toned(
                Tone::Care,
                &format!("rule {} does nothing: {}", rule.policy, rule.why),
            );
        }
        for rule in &self.unseen {
            page.toned(
                Tone::Care,
                &format!(
                    "rule {} holds only for what is seen: {}",
                    rule.policy, rule.why
                ),
            );
        }
        let (tone, cases) = match (self.cases.len(), self.wrong()) {
            (0, _) => (Tone::Plain, "there are no cases".to_owned()),
            (1, 0) => (Tone::Good, "its only case holds".to_owned()),
            (all, 0) => (Tone::Good, format!("all {all} cases hold")),
            (all, wrong) => {
                let cases = counted(all as u64, "case");
                let does = if wrong == 1 { "does" } else { "do" };
                (Tone::Bad, format!("{wrong} of {cases} {does} not hold"))
            }
        };
        let policies = match self.policies {
            1 => "1 policy is".to_owned(),
            all => format!("{all} policies are"),
        };
        page.toned(tone, &format!("{policies} valid, {cases}."));
        page.toned(
            Tone::Dim,
            &format!(
                "Rules that do nothing were looked for among {}.",
                counted(self.looked_at, "request")
            ),
        );
    }
}
