//! Which commands are given which credential.
//!
//! A rule is a beginning of a command line: each of its words is what the command's word must be, or one
//! of several. The words behind are free. Of several rules that fit, the strictest wins, and of equally
//! strict ones the longest.

use std::fmt;

use crate::{CredentialName, ScopeSet, Tier};

/// The rules, in the order of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(Vec<CommandRule>);

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRule {
    /// The beginning of the command line.
    pub prefix: Vec<Word>,
    /// What commands that begin like this are given; nothing where they are to be refused.
    pub credential: Option<CredentialName>,
    /// As what.
    pub scopes: ScopeSet,
    /// For whom; the credential's first audience where there is none.
    pub audience: Option<String>,
    /// The variable of the command's environment that it is put into.
    pub variable: Option<String>,
    /// The least friction of this command. Asked for otherwise, the credential has its own.
    pub tier: Tier,
}

/// What a word of a command line must be: one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(Vec<String>);

/// A rule whose own examples do not bear it out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// It has no words, or one is empty.
    #[error("a rule begins with at least one word, and none is empty")]
    Empty,
    /// Its first word names a folder too, and would meet nothing.
    #[error(
        "the rule `{0}` begins with a path; its first word is the name of a program without a folder, which fits it in any"
    )]
    Folder(String),
    /// It says what to give and not how, or the other way around.
    #[error("the rule `{0}` gives a credential and names no `variable`")]
    NoVariable(String),
    /// An example meets another rule, or none.
    #[error("the example `{example}` of the rule `{rule}` meets {met}")]
    Example {
        /// Which rule.
        rule: String,
        /// Which example.
        example: String,
        /// What it meets.
        met: String,
    },
}

impl Word {
    /// `list|view` is either.
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let any: Vec<_> = text.split('|').map(str::to_owned).collect();
        if any.iter().any(String::is_empty) {
            return Err(BadRule::Empty);
        }
        Ok(Self(any))
    }

    fn names_a_folder(&self) -> bool {
        self.0.iter().any(|one| one.contains('/'))
    }

    fn is(&self, word: &str) -> bool {
        self.0.iter().any(|one| one == word)
    }
}

impl CommandRule {
    fn fits(&self, command: &[String]) -> bool {
        command.len() >= self.prefix.len()
            && self
                .prefix
                .iter()
                .zip(command)
                .all(|(word, said)| word.is(said))
    }
}

impl Commands {
    /// The rules with the examples that each must meet, checked.
    ///
    /// # Errors
    /// [`BadRule`] names the first rule that is wrong.
    pub fn new(rules: Vec<(CommandRule, Vec<Vec<String>>)>) -> Result<Self, BadRule> {
        let (rules, examples): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        for rule in &rules {
            if rule.prefix.is_empty() {
                return Err(BadRule::Empty);
            }
            if rule.prefix.first().is_some_and(Word::names_a_folder) {
                return Err(BadRule::Folder(rule.to_string()));
            }
            if rule.credential.is_some() != rule.variable.is_some() {
                return Err(BadRule::NoVariable(rule.to_string()));
            }
        }
        let all = Self(rules);
        for (rule, examples) in all.0.iter().zip(examples) {
            for example in examples {
                let met = all.find(&example);
                if met != Some(rule) {
                    return Err(BadRule::Example {
                        rule: rule.to_string(),
                        example: example.join(" "),
                        met: met.map_or("no rule".to_owned(), |met| format!("the rule `{met}`")),
                    });
                }
            }
        }
        Ok(all)
    }

    /// The rule for a command line. Its first word counts without the folders before it: which program a
    /// name leads to is the sandbox's affair, and the rule bounds what it is given.
    pub fn find(&self, command: &[String]) -> Option<&CommandRule> {
        let (program, rest) = command.split_first()?;
        let program = program.rsplit('/').next().unwrap_or_default();
        let mut said = vec![program.to_owned()];
        said.extend_from_slice(rest);
        let fitting = self.0.iter().filter(|rule| rule.fits(&said));
        // Of equals the last would win; the first one that is written shall.
        fitting
            .rev()
            .max_by_key(|rule| (rule.tier, rule.prefix.len()))
    }

    /// Every rule, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &CommandRule> {
        self.0.iter()
    }
}

/// As it is written.
impl fmt::Display for CommandRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, word) in self.prefix.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&word.0.join("|"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BadRule, CommandRule, Commands, Word};
    use crate::{CredentialName, ScopeSet, Tier};

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn rule(prefix: &str, scope: &str, tier: Tier) -> CommandRule {
        let prefix = prefix.split(' ').map(|word| Word::parse(word).unwrap());
        CommandRule {
            prefix: prefix.collect(),
            credential: CredentialName::parse("cluster").ok(),
            scopes: ScopeSet::parse([scope]).unwrap(),
            audience: None,
            variable: Some("TOKEN".to_owned()),
            tier,
        }
    }

    fn found(commands: &Commands, line: &str) -> Option<String> {
        let found = commands.find(&words(line));
        found.map(|rule| rule.scopes.to_string())
    }

    #[test]
    fn the_strictest_rule_wins_and_then_the_longest() {
        let commands = Commands::new(vec![
            (rule("kubectl", "any", Tier::Auto), vec![]),
            (
                rule("kubectl get|describe", "read", Tier::Auto),
                vec![words("kubectl get pods")],
            ),
            (
                rule("kubectl delete", "delete", Tier::Human),
                vec![words("kubectl delete pod x")],
            ),
            (rule("kubectl delete pod", "pod", Tier::Auto), vec![]),
        ])
        .unwrap();
        for (line, scope) in [
            ("kubectl get pods", Some("read")),
            ("/usr/bin/kubectl describe x", Some("read")),
            ("kubectl getx", Some("any")),
            ("kubectl delete pod x", Some("delete")),
            ("kubectl", Some("any")),
            ("kubectlx get", None),
            ("sh -c kubectl", None),
        ] {
            assert_eq!(found(&commands, line).as_deref(), scope, "{line}");
        }
        assert_eq!(commands.find(&[]), None);
    }

    #[test]
    fn a_rule_is_held_to_its_examples() {
        let shadowed = Commands::new(vec![
            (rule("gh", "all", Tier::Human), vec![]),
            (
                rule("gh pr list", "read", Tier::Auto),
                vec![words("gh pr list")],
            ),
        ]);
        let error = shadowed.unwrap_err().to_string();
        assert_eq!(
            error,
            "the example `gh pr list` of the rule `gh pr list` meets the rule `gh`"
        );
        let missed = Commands::new(vec![(
            rule("gh pr", "x", Tier::Auto),
            vec![words("gh issue")],
        )]);
        assert!(missed.unwrap_err().to_string().ends_with("meets no rule"));
        for path in ["./tool list", "/usr/bin/gh", "gh|bin/gh pr"] {
            let error = Commands::new(vec![(rule(path, "x", Tier::Auto), vec![words(path)])]);
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("the name of a program without a folder"),
                "{error}"
            );
        }
        let path_behind = rule("sh bin/x", "x", Tier::Auto);
        assert!(Commands::new(vec![(path_behind, vec![words("/bin/sh bin/x")])]).is_ok());
        assert_eq!(Word::parse("a||b"), Err(BadRule::Empty));
        assert_eq!(Word::parse(""), Err(BadRule::Empty));
        let mute = CommandRule {
            variable: None,
            ..rule("gh", "x", Tier::Auto)
        };
        assert!(matches!(
            Commands::new(vec![(mute, vec![])]),
            Err(BadRule::NoVariable(_))
        ));
    }
}
