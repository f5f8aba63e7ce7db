//! The bench of policy authors: rules are asked what nobody has asked.

mod cases;
mod change;
mod explain;
mod idle;
mod instead;
mod reach;
mod stand_in;
mod unseen;
mod voices;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use valetkey_core::{
    Credentials,
    ports::{Checked, Explanation, Policy, PolicyError, PolicyLab, Question},
};

use crate::{CedarPolicies, files, rules::Rules};

impl PolicyLab for CedarPolicies {
    fn explain(
        &self,
        question: &Question<'_>,
        credentials: &Credentials,
    ) -> Result<Explanation, PolicyError> {
        explain::explain(&self.in_force(), question, credentials)
    }

    fn candidate(&self, folders: &[PathBuf]) -> Result<Arc<dyn Policy>, PolicyError> {
        Ok(Arc::new(
            Self::load(folders)?.with_injected(self.injected().to_vec()),
        ))
    }

    fn check(
        &self,
        folder: Option<&Path>,
        cases: Option<&Path>,
        credentials: &Credentials,
    ) -> Result<Checked, PolicyError> {
        let rules = match folder {
            Some(folder) => {
                let files = files::read(&[folder.to_owned()])?;
                Arc::new(Rules::read(&files, self.injected())?)
            }
            None => self.in_force(),
        };
        let cases = cases.map(|place| cases::run(&rules, place, credentials));
        let (idle, looked_at) = idle::find(&rules, credentials)?;
        Ok(Checked {
            policies: rules.count(),
            cases: cases.transpose()?.unwrap_or_default(),
            idle,
            looked_at,
            unseen: unseen::find(&rules)?,
        })
    }
}
