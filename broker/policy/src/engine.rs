//! The policies in force, and where they are from.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use valetkey_core::{
    network::{HostName, OriginPattern},
    ports::{ApproverQuestion, Consent, Policy, PolicyError, PolicySummary, Question, Verdict},
};

use crate::{
    files::{self, PolicyFile, shown},
    rules::Rules,
};

/// The policies of some folders or texts, or the [baseline](crate::BASELINE).
pub struct CedarPolicies {
    origin: Origin,
    /// Origins that a credential is put into requests to.
    injected: Arc<[OriginPattern]>,
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
        let injected = Arc::from([]);
        Ok(Self {
            in_force: RwLock::new(Arc::new(origin.read(&injected)?)),
            origin,
            injected,
            reloading: Mutex::new(()),
        })
    }

    /// The same policies, for which a host is `injected` where one of `patterns` means its origin. They
    /// stay so over a reload; without this no host is.
    #[must_use]
    pub fn with_injected(self, patterns: Vec<OriginPattern>) -> Self {
        let injected = Arc::from(patterns);
        let in_force = self.in_force.into_inner();
        let mut in_force = in_force.unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut in_force).injected = Arc::clone(&injected);
        Self {
            in_force: RwLock::new(in_force),
            injected,
            ..self
        }
    }

    /// Whether the head of some rule about requests (`request`, `requestAfterReview`,
    /// `requestAfterApproval`) names this host or a domain of it, so that TLS to it has to be looked into.
    ///
    /// A rule whose head leaves the host open does not count: it holds for what can be seen anyway, which
    /// is plain HTTP and the hosts that are looked into for another reason.
    pub fn speaks_of_requests(&self, host: &HostName) -> bool {
        self.in_force().speaks_of_requests(host)
    }

    /// Origins that a credential is put into requests to.
    pub(crate) const fn injected(&self) -> &Arc<[OriginPattern]> {
        &self.injected
    }

    fn summary_of(&self, rules: &Rules) -> PolicySummary {
        PolicySummary {
            digest: rules.digest.clone(),
            policies: rules.count(),
            origin: self.origin.to_string(),
        }
    }

    pub(crate) fn in_force(&self) -> Arc<Rules> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Origin {
    fn read(&self, injected: &Arc<[OriginPattern]>) -> Result<Rules, PolicyError> {
        match self {
            Self::Baseline => Rules::read(&PolicyFile::baseline(), injected),
            Self::Folders(folders) => Rules::read(&files::read(folders)?, injected),
            Self::Texts(texts) => Rules::read(texts, injected),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Baseline => f.write_str("the shipped baseline"),
            Self::Folders(folders) => {
                let folders: Vec<_> = folders.iter().map(|folder| shown(folder)).collect();
                write!(f, "`{}`", folders.join("`, `"))
            }
            Self::Texts(_) => f.write_str("the admin's requirements"),
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
        self.summary_of(&self.in_force())
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        let _reloading = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let read = Arc::new(self.origin.read(&self.injected)?);
        let summary = self.summary_of(&read);
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = read;
        Ok(summary)
    }
}
