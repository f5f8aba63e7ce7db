//! What the configuration says of the network beside the policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use valetkey_core::{
    Credentials, Delivery, Injection, SecretName, SourceKind,
    network::{HostName, Origin, OriginPattern, Target},
};

use crate::{Lenders, Way};

/// What the configuration says of the network beside the policies.
pub struct Network {
    /// What may be reached though it is private.
    pub addresses: BTreeSet<SocketAddr>,
    /// Where hosts are, in place of the resolver's word.
    pub hosts: BTreeMap<HostName, IpAddr>,
    /// Hosts that are looked into though nothing else asks for it.
    pub inspect: Vec<OriginPattern>,
    /// The credentials, some of which are put into requests.
    pub credentials: Credentials,
    /// Whether a rule speaks of requests to a host.
    pub spoken_of: Arc<dyn Fn(&HostName) -> bool + Send + Sync>,
    /// How long a connection or a request waits for its approval.
    pub wait: Duration,
}

impl Network {
    pub(super) fn looks_into(&self, origin: &Origin) -> bool {
        self.inspect.iter().any(|pattern| pattern.matches(origin))
            || self.lend(|way| way.reaches(origin)).next().is_some()
            || (self.spoken_of)(&origin.endpoint.host)
    }

    pub(super) fn lenders(&self, origin: &Origin) -> Lenders {
        let host = &origin.endpoint.host;
        self.lend(|way| way.reaches_host(host)).collect()
    }

    fn lend(&self, reaches: impl Fn(&Injection) -> bool) -> impl Iterator<Item = usize> {
        let all = self.credentials.iter().enumerate();
        let lend = all.filter(move |(_, credential)| match &credential.delivery {
            Delivery::Inject(inject) => inject.ways.iter().any(|way| reaches(way)),
            Delivery::Token | Delivery::Pass => false,
        });
        lend.map(|(place, _)| place)
    }

    /// Those of `lenders` whose value is kept, by the name that the keyring has it under.
    pub(super) fn kept(&self, lenders: &Lenders) -> Vec<(SecretName, Vec<Arc<Injection>>)> {
        let all = self.credentials.iter().enumerate();
        let lends = all.filter(|(place, _)| lenders.contains(place));
        let kept = lends.filter_map(|(_, credential)| match &credential.delivery {
            Delivery::Inject(inject) if credential.source == SourceKind::Static => {
                Some((inject.secret.clone(), inject.ways.clone()))
            }
            Delivery::Inject(_) | Delivery::Token | Delivery::Pass => None,
        });
        kept.collect()
    }

    pub(super) fn ways(&self, target: &Target) -> Vec<Way> {
        let mut ways = Vec::new();
        for credential in self.credentials.iter() {
            let Delivery::Inject(inject) = &credential.delivery else {
                continue;
            };
            for way in &inject.ways {
                if let Some(scope) = way.scope_of(target) {
                    ways.push(Way {
                        credential: credential.name.clone(),
                        scope: scope.to_owned(),
                        injection: Arc::clone(way),
                    });
                }
            }
        }
        ways
    }

    pub(super) fn base(&self, credential: &str) -> Option<Origin> {
        let credential = self.credentials.find(credential)?;
        match &credential.delivery {
            Delivery::Inject(inject) => inject.base(),
            Delivery::Token | Delivery::Pass => None,
        }
    }
}
