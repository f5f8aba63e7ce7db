//! The policies in force, and where they are from.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use valetkey_core::ports::{
    ApproverQuestion, Consent, Policy, PolicyError, PolicySummary, Question, Verdict,
};

use crate::{
    files::{self, PolicyFile},
    rules::Rules,
};

/// The policies of some folders or texts, or the [baseline](crate::BASELINE).
pub struct CedarPolicies {
    origin: Origin,
    in_force: RwLock<Arc<Rules>>,
    /// Held while files are read, so that of two reloads the later one stays.
    reloading: Mutex<()>,
}

/// Where policies are from.
enum Origin {
    Baseline,
    Folders(Vec<PathBuf>),
    Texts(Vec<PolicyFile>),
}

impl CedarPolicies {
    /// Reads every `*.cedar` file of `folders`, in their order and by name; no folders means the
    /// [baseline](crate::BASELINE). Blocks for as long as that takes, some milliseconds.
    ///
    /// A file is refused that is larger than 1 MiB, that somebody other than root and this process's
    /// user owns or may write, that does not parse, that holds a template, or that does not fit the
    /// schema: a policy that can never apply does not.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] names the first file and policy that is wrong, and what to do.
    pub fn load(folders: &[PathBuf]) -> Result<Self, PolicyError> {
        Self::from(if folders.is_empty() {
            Origin::Baseline
        } else {
            Origin::Folders(folders.to_vec())
        })
    }

    /// The policies of texts that somebody else has read and vouches for, each under its file's name, in
    /// their order. A reload keeps them.
    ///
    /// # Errors
    /// As [`Self::load`], save that there is no owner to look at.
    pub fn from_texts(texts: Vec<(String, String)>) -> Result<Self, PolicyError> {
        let files = texts
            .into_iter()
            .map(|(name, text)| files::from_text(&name, text));
        Self::from(Origin::Texts(files.collect::<Result<_, _>>()?))
    }

    fn from(origin: Origin) -> Result<Self, PolicyError> {
        Ok(Self {
            in_force: RwLock::new(Arc::new(origin.read()?)),
            origin,
            reloading: Mutex::new(()),
        })
    }

    pub(crate) fn in_force(&self) -> Arc<Rules> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Origin {
    fn read(&self) -> Result<Rules, PolicyError> {
        match self {
            Self::Baseline => Rules::read(&PolicyFile::baseline()),
            Self::Folders(folders) => Rules::read(&files::read(folders)?),
            Self::Texts(texts) => Rules::read(texts),
        }
    }
}

impl Policy for CedarPolicies {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        self.in_force().decide(question)
    }

    fn may_approve(&self, question: &ApproverQuestion<'_>) -> Result<Consent, PolicyError> {
        self.in_force().may_approve(question)
    }

    fn summary(&self) -> PolicySummary {
        self.in_force().summary.clone()
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        let _reloading = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let read = Arc::new(self.origin.read()?);
        let summary = read.summary.clone();
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = read;
        Ok(summary)
    }
}
