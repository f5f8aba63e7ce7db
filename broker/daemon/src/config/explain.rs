//! What a configuration comes to, for `valetkeyd --check-config`.

use std::fmt;

use valetkey_core::{Delivery, Injection, ProfileName, READ, Tier, WRITE};

use super::{Config, Policies, ReviewerKind, Sink, span::Span};

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.provider;
        writeln!(
            f,
            "provider      {} as client {}",
            provider.issuer.as_str(),
            provider.client_id
        )?;
        for claim in provider.required_claims.keys() {
            writeln!(f, "              requires the claim {claim}")?;
        }
        writeln!(
            f,
            "              should it not answer, sessions go on for {} s since its last word",
            provider.grace_seconds
        )?;
        let store = if self.keyring.kernel {
            "kernel (gone after a reboot)"
        } else {
            "secret-service"
        };
        writeln!(
            f,
            "keyring       {store}, answers within {} s",
            self.keyring.deadline.as_secs()
        )?;
        writeln!(
            f,
            "sessions      live {} s, at most {} s, {} at once",
            self.session.lifetime, self.session.max_lifetime, self.session.max_live
        )?;
        writeln!(
            f,
            "tokens        issuer {}, served on {}",
            self.tokens.issuer_for(self.tokens.listen.port()),
            self.tokens.listen
        )?;
        writeln!(f, "policies      {}", self.policies)?;
        let admins: Vec<&str> = self.admin.groups.iter().map(String::as_str).collect();
        if admins.is_empty() {
            writeln!(
                f,
                "admins        none: nobody can revoke; set `admin.groups`"
            )?;
        } else {
            writeln!(f, "admins        members of {}", admins.join(", "))?;
        }
        self.explain_approvals(f)?;
        self.explain_sandboxes(f)?;
        self.explain_credentials(f)?;
        for Sink::File(path) in &self.sinks {
            writeln!(f, "ledger        copied to {}", path.display())?;
        }
        for line in self.requirements.iter().flat_map(|force| force.lines()) {
            writeln!(f, "requirements  {line}")?;
        }
        Ok(())
    }
}

impl Config {
    fn explain_approvals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.approvals;
        writeln!(
            f,
            "approvals     asked for {}, remembered at most {} and {} unused",
            Span(rules.expire_after),
            Span(rules.remember_max),
            Span(rules.remember_idle)
        )?;
        writeln!(
            f,
            "              {} questions open at once; slowed down after {} in {}, suspended after {}",
            rules.max_open,
            rules.slow_after,
            Span(rules.window),
            rules.suspend_after
        )?;
        let groups: Vec<&str> = rules.approver_groups.iter().map(String::as_str).collect();
        let who = match (groups.as_slice(), rules.four_eyes) {
            ([], false) => "whom the policies let".to_owned(),
            ([], true) => "whom the policies let, never whoever asks".to_owned(),
            (groups, false) => format!("members of {}", groups.join(", ")),
            (groups, true) => format!("members of {}, never whoever asks", groups.join(", ")),
        };
        writeln!(f, "              answered by {who}")?;
        if let Some(why) = self.nobody_answers() {
            writeln!(f, "              CARE: {why}")?;
        }
        if let Some(webhook) = &self.webhook {
            let back = if webhook.may_answer {
                "answers come back"
            } else {
                "no answer comes back"
            };
            writeln!(f, "              carried to {}; {back}", webhook.url)?;
        }
        let Some(reviewer) = &self.reviewer else {
            return writeln!(f, "reviewer      none: people answer");
        };
        let kind = match &reviewer.kind {
            ReviewerKind::Command { program, .. } => format!("program {}", program.display()),
            ReviewerKind::Chat { url, model, .. } => format!("model {model} at {url}"),
        };
        writeln!(
            f,
            "reviewer      {}: {kind}, answers within {} s",
            reviewer.name,
            reviewer.deadline.as_secs()
        )
    }

    fn explain_sandboxes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.profiles.names().map(ProfileName::as_str).collect();
        let usual = self.profiles.find(None);
        let usual = usual.map_or_else(|| "none".to_owned(), |usual| usual.name.to_string());
        if names.is_empty() {
            writeln!(f, "sandboxes     no profile is allowed: none can be made")?;
        } else {
            let names = names.join(", ");
            writeln!(f, "sandboxes     profiles {names}; usually {usual}")?;
        }
        let network = &self.network;
        for address in &network.addresses {
            writeln!(f, "              may reach {address}, though it is private")?;
        }
        for (host, ip) in &network.hosts {
            writeln!(f, "              {host} is at {ip}")?;
        }
        for why in self.hosts_out_of_reach() {
            writeln!(f, "              CARE: {why}")?;
        }
        for rule in self.commands.iter() {
            match &rule.credential {
                Some(given) if rule.tier != Tier::Deny => writeln!(
                    f,
                    "command       `{rule}` is given {given}, at least tier {}",
                    rule.tier.id()
                )?,
                _ => writeln!(f, "command       `{rule}` is refused")?,
            }
        }
        Ok(())
    }

    fn explain_credentials(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.credentials.iter();
        for credential in named.filter(|credential| credential.delivery != Delivery::Pass) {
            writeln!(
                f,
                "credential    {}: scopes {}, at most {} s, at least tier {}",
                credential.name,
                credential.scopes,
                credential.max_lifetime,
                credential.min_tier.id()
            )?;
            if let Some(owner) = &credential.owner {
                writeln!(f, "              only for {}", owner.subject)?;
            }
            if let Delivery::Inject(inject) = &credential.delivery {
                writeln!(f, "              never given; put into requests:")?;
                for way in &inject.ways {
                    writeln!(f, "              {}", Way(way))?;
                }
            }
            let labels: Vec<&str> = credential.labels.iter().map(String::as_str).collect();
            if !labels.is_empty() {
                writeln!(f, "              labels {}", labels.join(", "))?;
            }
        }
        Ok(())
    }
}

/// One way of a credential: to which requests it goes, where, and as which scope.
struct Way<'a>(&'a Injection);

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Injection {
            hosts,
            methods,
            paths,
            scope,
            place,
            always,
        } = self.0;
        if !methods.is_empty() {
            write!(f, "{} ", methods.join(", "))?;
        }
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        f.write_str(&hosts.join(", "))?;
        if !paths.is_empty() {
            write!(f, " at {}", paths.join(", "))?;
        }
        write!(f, ": {place}")?;
        if !always {
            f.write_str(", only in place of its placeholder")?;
        }
        match scope {
            Some(scope) => write!(f, ", as {scope}"),
            None => write!(f, ", as {READ} or {WRITE}, by the method"),
        }
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Baseline => f.write_str("the shipped baseline"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Texts(files) => {
                let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
                write!(f, "of the requirements: {}", names.join(", "))
            }
        }
    }
}
