//! A bench of policy authors without tools.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use valetkey_core::{
    Credentials,
    ports::{Checked, Explanation, Policy, PolicyError, PolicyLab, Question, ScopeExplained},
};

/// Explains with the verdict alone, finds nothing wrong with any folder, and takes one set of policies
/// for what is in all of them.
pub struct NoLab {
    in_force: Arc<dyn Policy>,
    folder: Arc<dyn Policy>,
}

impl NoLab {
    /// The policies in force, and those of any folder.
    pub fn new(in_force: Arc<dyn Policy>, folder: Arc<dyn Policy>) -> Self {
        Self { in_force, folder }
    }
}

impl PolicyLab for NoLab {
    fn explain(
        &self,
        question: &Question<'_>,
        _: &Credentials,
    ) -> Result<Explanation, PolicyError> {
        let tier = self.in_force.decide(question)?.tier;
        let explained = |scope: &str| ScopeExplained {
            scope: scope.to_owned(),
            tier,
            voices: Vec::new(),
        };
        Ok(Explanation {
            tier,
            scopes: question.scopes.iter().map(explained).collect(),
            change: None,
            instead: Vec::new(),
        })
    }

    fn candidate(&self, _: &[PathBuf]) -> Result<Arc<dyn Policy>, PolicyError> {
        Ok(Arc::clone(&self.folder))
    }

    fn check(
        &self,
        _: Option<&Path>,
        _: Option<&Path>,
        _: &Credentials,
    ) -> Result<Checked, PolicyError> {
        Ok(Checked::default())
    }
}
