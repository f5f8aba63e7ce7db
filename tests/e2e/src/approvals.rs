//! Questions and answers, as tests see them.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::{Outcome, Session, World};

impl World {
    /// Questions and answers of sessions that are not over, oldest first.
    pub fn approvals(&self) -> Vec<Value> {
        let listed = self.valetkey("approvals list --json").ok().json();
        let all = listed["approvals"].as_array().cloned();
        all.expect("a list of approvals")
    }

    /// The questions that wait for an answer.
    pub fn questions(&self) -> Vec<Value> {
        let mut all = self.approvals();
        all.retain(|approval| approval["state"] == "open");
        all
    }

    /// The id of the one question that waits.
    #[track_caller]
    pub fn question(&self) -> String {
        let questions = self.questions();
        assert_eq!(questions.len(), 1, "{questions:?}");
        text(&questions[0]["id"])
    }

    /// Answers as alice.
    pub fn approve(&self, id: &str, reach: &str) -> Outcome {
        self.valetkey(&format!("approvals approve {id} {reach} --yes --json"))
    }

    /// Asks for what a person has to grant, and is told so; gives back the id of the question.
    #[track_caller]
    pub fn ask(&self, session: &Session, arguments: &str) -> String {
        let asked = self.agent(session, &format!("{arguments} --json"));
        asked.refused(4, "approval_pending");
        let told: Value = serde_json::from_str(&asked.stderr).expect("JSON");
        text(&told["approval"])
    }

    /// An agent that asks and waits, in the background.
    pub fn waiting_agent(&self, session: &Session, arguments: &str) -> Waiting {
        let mut command = self.command(arguments.split_whitespace());
        let child = command
            .env("VALETKEY_SOCKET", &session.socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Waiting(child.expect("valetkey starts"))
    }

    /// A folder of policies: the baseline, and `extra`. Give it to the broker with
    /// [`World::configure`].
    pub fn policies(&self, extra: &str) -> PathBuf {
        let folder = self.folder().join("policies");
        fs::create_dir_all(&folder).expect("a folder for policies");
        let baseline = crate::repository().join("policies/baseline");
        for file in fs::read_dir(baseline).expect("the baseline is there") {
            let file = file.expect("a file of the baseline").path();
            let name = file.file_name().expect("it has a name");
            fs::copy(&file, folder.join(name)).expect("it can be copied");
            own(&folder.join(name));
        }
        fs::write(folder.join("99-test.cedar"), extra).expect("policies can be written");
        own(&folder.join("99-test.cedar"));
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("a mode can be set");
        folder
    }

    /// An executable file of a test.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, text).expect("a script can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a mode can be set");
        path
    }
}

fn own(path: &std::path::Path) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a mode can be set");
}

/// An agent that waits for an answer; killed when dropped before it ended.
pub struct Waiting(Child);

impl Waiting {
    /// Waits for its end.
    pub fn end(mut self) -> Outcome {
        let take = |stream: Option<&mut dyn std::io::Read>| {
            let mut text = String::new();
            if let Some(stream) = stream {
                stream.read_to_string(&mut text).expect("text");
            }
            text
        };
        let stdout = take(self.0.stdout.as_mut().map(|out| out as _));
        let stderr = take(self.0.stderr.as_mut().map(|out| out as _));
        let status = self.0.wait().expect("it can be waited for");
        Outcome {
            status: status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
