//! What a command of a shell would run, as far as its words say.

/// A word of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What is run.
    Program,
    /// What is given to something that runs what it is given.
    Script,
    /// What is given to something else.
    Argument,
}

/// Words before a program that are not what is run.
const BEFORE: &[&str] = &[
    "!", "command", "do", "else", "env", "exec", "if", "nice", "nohup", "then", "time",
];
/// How programs begin that run what they are given.
const RUN: &[&str] = &[
    ".", "bash", "bun", "dash", "deno", "ksh", "lua", "node", "perl", "php", "python", "ruby",
    "sh", "source", "tsx", "zsh",
];

/// Commands in the words of commands: more than anybody writes.
const DEEPEST: u8 = 4;

/// Those of `command`, and of commands in its words: `sh -c 'a b'`.
pub(super) fn words(command: &str) -> Vec<Word> {
    words_at(command, 0)
}

fn words_at(command: &str, depth: u8) -> Vec<Word> {
    let mut words = Words {
        depth,
        ..Words::default()
    };
    let mut chars = command.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => words.current.extend(chars.next()),
            (c, Some(_)) => words.current.push(c),
            ('"' | '\'', None) => quote = Some(c),
            (';' | '|' | '&' | '(' | ')' | '{' | '}' | '`' | '\n', None) => {
                words.end();
                words.program = None;
            }
            (c, None) if c.is_whitespace() => words.end(),
            (c, None) => words.current.push(c),
        }
    }
    words.end();
    words.found
}

#[derive(Default)]
struct Words {
    found: Vec<Word>,
    current: String,
    /// Of the command that is being read: what its arguments are.
    program: Option<Role>,
    depth: u8,
}

impl Words {
    fn end(&mut self) {
        let text = std::mem::take(&mut self.current);
        if text.is_empty() {
            return;
        }
        let is_command = text.contains(char::is_whitespace) && self.depth < DEEPEST;
        let role = match self.program {
            Some(role) => role,
            None if BEFORE.contains(&text.as_str()) || text.contains('=') => return,
            None => {
                let name = text.rsplit('/').next().unwrap_or_default();
                let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
                let runs = RUN.contains(&name) || text == ".";
                self.program = Some(if runs { Role::Script } else { Role::Argument });
                Role::Program
            }
        };
        if is_command && role != Role::Program {
            self.found.extend(words_at(&text, self.depth + 1));
        }
        self.found.push(Word { text, role });
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, words};

    #[test]
    fn what_is_run_is_told_from_what_is_given() {
        let text = r#"A=b "bin/my clean" %f; exec python3.11 -u tools/x.py && sh -c 'y/z "a"' | env ./w --all"#;
        let found = words(text);
        let of = |role| -> Vec<&str> {
            let of_it = found.iter().filter(|word| word.role == role);
            of_it.map(|word| word.text.as_str()).collect()
        };
        assert_eq!(
            of(Role::Program),
            ["bin/my clean", "python3.11", "sh", "y/z", "./w"]
        );
        assert_eq!(of(Role::Script), ["-u", "tools/x.py", "-c", "y/z \"a\""]);
        assert_eq!(of(Role::Argument), ["%f", "a", "--all"]);
    }
}
