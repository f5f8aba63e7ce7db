//! Reads files of git's settings where there is no git to ask (git-config(1), "Syntax").

use std::{
    collections::BTreeSet,
    iter::Peekable,
    path::{Path, PathBuf},
    str::Chars,
};

use super::{
    Home, Names, Setting, named,
    read::{SMALL, bounded},
};

/// As many files as git follows, and more than anybody has.
const FILES: usize = 64;
/// More than anybody has in all of them: so many times what one may have, and in number.
const LIMITS: u64 = 4;
const SETTINGS: usize = 10_000;
/// Each setting has the name of its section, which is a path at the most.
const LONGEST: usize = 4096;

/// Whose settings are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// The user's and the workspace's, which has a section for each branch.
    Own,
    /// Those of a repository within, which an agent may have written.
    Within,
}

impl Whose {
    /// How large a file is read, in bytes.
    const fn limit(self) -> u64 {
        match self {
            Self::Own => 16 * SMALL,
            Self::Within => 4 * SMALL,
        }
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) settings: Vec<Setting>,
    /// How many bytes it was.
    bytes: u64,
    /// Whether there is no more.
    pub(super) complete: bool,
}

/// Of these files, and of those that they include, under whatever condition.
pub(super) fn read(mut files: Vec<PathBuf>, whose: Whose, home: &Home) -> Read {
    let limit = whose.limit();
    let mut settings = Vec::new();
    let mut bytes = 0;
    let mut complete = true;
    let mut known: BTreeSet<PathBuf> = files.iter().cloned().collect();
    let mut next = 0;
    while let Some(file) = files.get(next).filter(|_| next < FILES).cloned() {
        next += 1;
        let Some(text) = bounded(&file, limit.min(LIMITS * limit - bytes)) else {
            complete &= !file.is_file();
            continue;
        };
        bytes += text.len() as u64;
        // What is no text does not matter, to git neither.
        let text = String::from_utf8_lossy(&text);
        for (key, value) in parsed(&text, SETTINGS - settings.len()) {
            let setting = Setting {
                file: Some(file.clone()),
                key,
                value,
            };
            let included = setting.included(home);
            if let Some(path) = included.filter(|path| !known.contains(path)) {
                if files.len() < FILES {
                    known.insert(path.clone());
                    files.push(path);
                } else {
                    complete = false;
                }
            }
            settings.push(setting);
        }
    }
    complete &= next == files.len() && settings.len() < SETTINGS;
    Read {
        settings,
        bytes,
        complete,
    }
}

/// What is named by a user's own settings and by those in `more`, where git is used in `root`.
pub(crate) fn named_in(
    more: Vec<PathBuf>,
    whose: Whose,
    root: &Path,
    workspace: &Path,
    home: &Home,
) -> Names {
    let given = home.given();
    let mut users = home.files();
    users.extend(given.iter().filter_map(|setting| setting.included(home)));
    let users = read(users, Whose::Own, home);
    let more = read(more, whose, home);
    let settings = [users.settings, more.settings, given].concat();
    let mut names = named::of(&settings, root, workspace, home);
    names.complete &= users.complete && more.complete;
    names.cost += users.bytes + more.bytes;
    names
}

/// As far as git would understand it, and no more than `most`.
fn parsed(text: &str, most: usize) -> Vec<(String, String)> {
    let mut reader = Reader(text.trim_start_matches('\u{feff}').chars().peekable());
    let mut found = Vec::new();
    let mut section = String::new();
    while let Some(&c) = reader.0.peek().filter(|_| found.len() < most) {
        if c.is_whitespace() {
            reader.0.next();
        } else if c == '#' || c == ';' {
            reader.skip_line();
        } else if c == '[' {
            reader.0.next();
            let Some(head) = reader.section() else {
                return found;
            };
            section = head;
        } else {
            let name = reader.name();
            if name.is_empty() {
                return found;
            }
            let value = reader.value();
            if section.len() <= LONGEST {
                found.push((format!("{section}.{name}"), value));
            }
        }
    }
    found
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn skip_line(&mut self) {
        self.0.by_ref().find(|c| *c == '\n');
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.0.next_if(|c| c.is_ascii_alphanumeric() || *c == '-') {
            name.push(c.to_ascii_lowercase());
        }
        name
    }

    /// What is between the brackets, of which the part in quotes has its own case.
    fn section(&mut self) -> Option<String> {
        let mut head = String::new();
        loop {
            match self.0.next()? {
                ']' => return Some(head),
                '"' => break,
                c if c.is_whitespace() => {}
                c => head.push(c.to_ascii_lowercase()),
            }
        }
        head.push('.');
        loop {
            match self.0.next()? {
                '"' => break,
                '\\' => head.push(self.0.next()?),
                c => head.push(c),
            }
        }
        (self.0.next()? == ']').then_some(head)
    }

    fn value(&mut self) -> String {
        let mut value = String::new();
        while self.0.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if self.0.next_if_eq(&'=').is_none() {
            return value;
        }
        // How much of it stays when white space at its end goes.
        let (mut kept, mut is_quoted) = (0, false);
        while let Some(c) = self.0.next() {
            match c {
                '\n' => break,
                '#' | ';' if !is_quoted => {
                    self.skip_line();
                    break;
                }
                '"' => is_quoted = !is_quoted,
                c if c.is_whitespace() && !is_quoted => {
                    if !value.is_empty() {
                        value.push(c);
                    }
                    continue;
                }
                '\\' => match self.0.next() {
                    Some('\n') | None => continue,
                    Some('\r') if self.0.next_if_eq(&'\n').is_some() => continue,
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some(c) => value.push(c),
                },
                c => value.push(c),
            }
            kept = value.len();
        }
        value.truncate(kept);
        value
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::{FILES, Home, LONGEST, SETTINGS, SMALL, Whose, named_in, parsed, read};

    const ODD: &str = r#"[core] hooksPath = .githooks ; a comment
[core]	editor = "a b"c\
  d # not this
  pager="x;y" \"z\"   
	bare
[filter "Up.Low \"q\""]
  Clean = "/a/with space/x" %f  
[includeIf "gitdir:~/"]
	path = ../shared.gitconfig
[Old.Style] key = a\tb\\c
[empty]
x =
y = " "
z = a "" b
"#;

    /// As git itself has it.
    #[test]
    fn what_git_reads_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, ODD).unwrap();
        let output = Command::new("git")
            .args(["config", "-z", "--list", "-f"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let expected: Vec<_> = text
            .split_terminator('\0')
            .map(|part| part.split_once('\n').unwrap_or((part, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(expected.len(), 10, "{text}");
        assert_eq!(parsed(ODD, SETTINGS), expected);
    }

    #[test]
    fn what_is_included_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::with(folder.path(), |_| None);
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "[include]\npath = b\n").unwrap();
        fs::write(at("b"), "[include]\npath = ~/a\n[core]\npager = x").unwrap();
        let found = read(vec![at("a")], Whose::Within, &home);
        assert!(found.complete);
        let found = found.settings;
        assert_eq!(found.len(), 3, "{found:?}");
        let of = found.last().unwrap();
        assert_eq!(
            (of.key.as_str(), of.file.as_deref()),
            ("core.pager", Some(at("b").as_path()))
        );
    }

    /// However many it names, and however long a name each setting would have.
    #[test]
    fn what_an_agent_wrote_is_read_so_far_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::with(folder.path(), |_| None);
        let at = |name: String| folder.path().join(name);
        let includes = |from: usize| -> String {
            let lines = (from..from + 5000).map(|number| format!("path={number}\n"));
            std::iter::once("[include]\n".to_owned())
                .chain(lines)
                .collect()
        };
        for number in 0..FILES {
            fs::write(at(number.to_string()), includes(number * 5000)).unwrap();
        }
        let found = read(vec![at("0".to_owned())], Whose::Within, &home);
        assert!(found.settings.len() <= 10_000 && found.bytes <= 1024 * 1024);
        assert!(!found.complete);
        let long = format!("[{}]\n{}", "a".repeat(LONGEST + 1), "b\n".repeat(5000));
        assert!(parsed(&long, SETTINGS).is_empty());
    }

    /// Whatever it is that there is too much of.
    #[test]
    fn what_is_not_read_is_not_passed_over_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::with(folder.path(), |_| None);
        let file = folder.path().join("config");
        let all = |text: &str, whose| {
            fs::write(&file, text).unwrap();
            let none = folder.path().join("none");
            read(vec![none, file.clone()], whose, &home).complete
        };
        let of = |size: u64| format!("[core]\n{}", "#".repeat(usize::try_from(size).unwrap()));
        assert!(all(&of(3 * SMALL), Whose::Within));
        assert!(!all(&of(4 * SMALL), Whose::Within));
        assert!(all(&of(4 * SMALL), Whose::Own));
        assert!(!all(&of(16 * SMALL), Whose::Own));
        assert!(!all(
            &format!("[a]\n{}", "b\n".repeat(SETTINGS)),
            Whose::Own
        ));
        let paths = (0..FILES).map(|number| format!("path={number}"));
        let paths: Vec<String> = paths.collect();
        assert!(!all(
            &format!("[include]\n{}", paths.join("\n")),
            Whose::Own
        ));
    }

    /// A collection of aliases is larger than what a repository within may have.
    #[test]
    fn what_the_user_has_is_read_whatever_it_is_read_for() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::with(folder.path(), |_| None);
        let large = format!("[core]\n{}", "#".repeat(5 * 65536));
        fs::write(folder.path().join(".gitconfig"), large).unwrap();
        let workspace = folder.path().join("shop");
        let names = named_in(Vec::new(), Whose::Within, &workspace, &workspace, &home);
        assert!(names.complete);
    }
}
