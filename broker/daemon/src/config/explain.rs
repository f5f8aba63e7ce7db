//! What a configuration comes to, for `valetkeyd --check-config`.

use std::fmt;

use super::Config;

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
            "              unreachable: sessions go on for {} s since its last word",
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
        match &self.policy_folder {
            Some(folder) => writeln!(f, "policies      {}", folder.display())?,
            None => writeln!(f, "policies      the shipped baseline")?,
        }
        let admins: Vec<&str> = self.admin.groups.iter().map(String::as_str).collect();
        if admins.is_empty() {
            writeln!(
                f,
                "admins        none: nobody can revoke; set `admin.groups`"
            )?;
        } else {
            writeln!(f, "admins        members of {}", admins.join(", "))?;
        }
        for credential in self.credentials.iter() {
            writeln!(
                f,
                "credential    {}: scopes {}, at most {} s",
                credential.name, credential.scopes, credential.max_lifetime
            )?;
        }
        Ok(())
    }
}
