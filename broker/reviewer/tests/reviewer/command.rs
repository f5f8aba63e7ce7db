//! A program that behaves badly in every way.

use std::{
    future::poll_fn,
    path::{Path, PathBuf},
    pin::pin,
    process::Command,
    task::Poll,
};

use valetkey_core::{
    Risk,
    approval::Finding,
    ports::{ReviewError, Reviewer as _},
};
use valetkey_reviewer::{CommandConfig, CommandReviewer};

use crate::world::{BRIEF, PATIENT, case, saying, shell};

const GOOD: &str = r#"{"verdict":"approve","risk":"low","rationale":"routine"}"#;

async fn run(script: &str) -> Result<valetkey_core::Opinion, ReviewError> {
    let question = saying("push a fix");
    shell(PATIENT, script, GOOD)
        .review(&case(&question, &[]))
        .await
}

#[tokio::test]
async fn its_answer_counts() {
    for script in [
        r#"cat >/dev/null; printf '%s\n' "$0""#,
        // It does not want to know.
        r#"exec <&-; printf %s "$0""#,
        r#"printf %s "$0""#,
        // It complains at length.
        r#"head -c 1000000 /dev/zero >&2; printf %s "$0""#,
    ] {
        let opinion = run(script).await.unwrap();
        assert_eq!(opinion.finding, Finding::Approve, "{script}");
        assert_eq!(opinion.risk, Some(Risk::Low));
        assert_eq!(opinion.reviewer, "script");
    }
}

#[tokio::test]
async fn what_is_no_answer_does_not() {
    for (name, script) in [
        ("fails after it approved", r#"printf %s "$0"; exit 1"#),
        ("dies after it approved", r#"printf %s "$0"; kill -9 $$"#),
        ("says nothing", "true"),
        ("two objects", r#"printf %s "$0"; printf %s "$0""#),
        ("two lines", r#"echo "$0"; echo "$0""#),
        (
            "complains on the wrong end",
            r#"echo warning: x; printf %s "$0""#,
        ),
        ("answers on the wrong end", r#"printf %s "$0" >&2"#),
        ("floods", "head -c 10485760 /dev/zero | tr '\\0' ' '"),
        ("floods without an end", "yes approve"),
        ("complains without an end", "yes no >&2"),
        ("floods after it approved", r#"printf %s "$0"; yes ''"#),
    ] {
        let opinion = run(script).await;
        let nonsense = matches!(opinion, Err(ReviewError::Nonsense(_)));
        assert!(nonsense, "{name}: {opinion:?}");
    }
}

#[tokio::test]
async fn one_that_hangs_is_killed() {
    for script in [
        "sleep 1000",
        r#"printf %s "$0"; sleep 1000"#,
        // It closes everything, and stays.
        r#"printf %s "$0"; exec >&- 2>&- <&-; sleep 1000"#,
        "trap '' TERM HUP INT; while :; do sleep 1000; done",
        "kill -STOP $$",
    ] {
        let question = saying("x");
        let script = format!("echo $$ > \"$1\"; {script}");
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let reviewer = noting(&script, &note, BRIEF);
        let error = reviewer.review(&case(&question, &[])).await.unwrap_err();
        assert!(matches!(error, ReviewError::Slow(_)), "{script}: {error}");
        until_dead(&noted(&note)).await;
    }
}

/// A child that keeps the output open ends with the program that made it.
#[tokio::test]
async fn its_children_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let script = r#"sleep 1000 & echo $! > "$1"; printf %s "$0""#;
    let reviewer = noting(script, &note, PATIENT);
    let question = saying("x");
    let opinion = reviewer.review(&case(&question, &[])).await.unwrap();
    assert_eq!(opinion.finding, Finding::Approve);
    until_dead(&noted(&note)).await;
}

/// One that left the group keeps the output open, and is no answer.
#[tokio::test]
async fn a_child_that_runs_away_makes_it_late() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let script = r#"setsid sh -c 'echo $$ > "$0"; exec sleep 20' "$1" & while ! [ -s "$1" ]; do :; done; printf %s "$0""#;
    let reviewer = noting(script, &note, BRIEF);
    let question = saying("x");
    let error = reviewer.review(&case(&question, &[])).await.unwrap_err();
    assert!(matches!(error, ReviewError::Slow(_)), "{error}");
    // It is out of reach; nobody else ends it.
    let killed = Command::new("kill").args(["-9", &noted(&note)]).status();
    assert!(killed.unwrap().success());
}

#[tokio::test]
async fn a_dropped_question_kills_it() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let reviewer = noting(r#"echo $$ > "$1"; sleep 1000"#, &note, PATIENT);
    let question = saying("x");
    let case = case(&question, &[]);
    {
        let mut asked = pin!(reviewer.review(&case));
        while !std::fs::read_to_string(&note).is_ok_and(|pid| pid.ends_with('\n')) {
            poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await;
            tokio::task::yield_now().await;
        }
    }
    until_dead(&noted(&note)).await;
}

/// It sees three variables, the folder `/`, and no file that the broker opened.
#[tokio::test]
async fn it_is_given_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("seen");
    let open = std::fs::File::create(folder.path().join("open")).unwrap();
    let script = r#"exec >"$1"; /usr/bin/env | sort; pwd; ls -l /proc/self/fd; exit 1"#;
    let reviewer = noting(script, &note, PATIENT);
    let question = saying("x");
    reviewer.review(&case(&question, &[])).await.unwrap_err();
    let seen = std::fs::read_to_string(&note).unwrap();
    // `PWD` is the shell's own.
    let expected = "HOME=/nonexistent\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nPWD=/\n/\n";
    let files = seen.strip_prefix(expected).expect(&seen);
    assert!(files.contains(note.to_str().unwrap()), "{files}");
    assert!(!files.contains("/open"), "{files}");
    assert!(!files.contains("eventpoll"), "{files}");
    drop(open);
}

#[test]
fn what_others_could_change_is_not_run() {
    let refused = |command: &[&str]| {
        let made = CommandReviewer::new(CommandConfig {
            name: "script".into(),
            command: command.iter().map(|&part| part.to_owned()).collect(),
            deadline: PATIENT,
        });
        let error = made.err().unwrap().to_string();
        assert!(
            error.starts_with("`reviewer.command` cannot be used: "),
            "{error}"
        );
    };
    refused(&[]);
    refused(&["sh"]);
    refused(&["/nowhere/at/all"]);
    refused(&["/tmp"]);
}

/// Who may write to it is looked at each time.
#[tokio::test]
async fn one_that_was_opened_to_others_is_not_run_any_more() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::copy("/bin/true", &program).unwrap();
    let reviewer = CommandReviewer::new(CommandConfig {
        name: "script".into(),
        command: vec![program.display().to_string()],
        deadline: PATIENT,
    })
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o777)).unwrap();
    let question = saying("x");
    let error = reviewer.review(&case(&question, &[])).await.unwrap_err();
    assert!(
        error.to_string().contains("can be written by others"),
        "{error}"
    );
}

/// A shell command with a file, `$1`, to write down in what there is to know.
fn noting(script: &str, note: &Path, deadline: std::time::Duration) -> CommandReviewer {
    let command = ["/bin/sh", "-c", script, GOOD, note.to_str().unwrap()];
    CommandReviewer::new(CommandConfig {
        name: "script".into(),
        command: command.map(str::to_owned).into(),
        deadline,
    })
    .unwrap()
}

fn noted(note: &PathBuf) -> String {
    std::fs::read_to_string(note).unwrap().trim().to_owned()
}

/// Ready when there is no such process, or only what its parent has not taken note of.
async fn until_dead(pid: &str) {
    let stat = format!("/proc/{pid}/stat");
    loop {
        match std::fs::read_to_string(&stat) {
            Ok(stat) if !stat.contains(") Z ") => tokio::task::yield_now().await,
            _ => return,
        }
    }
}
