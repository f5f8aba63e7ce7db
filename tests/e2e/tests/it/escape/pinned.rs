//! A session that is tied to its room: whoever is outside of it, of the same user or in another room, gets
//! nothing of it, also where they find its sockets and what it was given.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use valetkey_e2e::{Outcome, Session, World, as_ordinary_user, program};

use super::house::{House, Neighbour, on_the_desk, workspace};

const TOKEN: &str = "token demo-api --scope api:read";

#[test]
fn a_process_outside_of_its_room_does_not_speak_for_a_session() {
    as_ordinary_user(
        "escape::pinned::a_process_outside_of_its_room_does_not_speak_for_a_session",
        || {
            let house = House::new();
            let world = &house.world;
            let room = Neighbour::start(world);
            let found = Session {
                id: room.session.clone(),
                socket: room.socket.clone(),
            };
            // The same words by a session that is tied to no room.
            world.agent(&world.session("coder"), TOKEN).ok();
            let refused = world.agent(&found, TOKEN);
            assert_eq!(
                (refused.status, refused.stdout.as_str()),
                (3, ""),
                "{refused:?}"
            );
            for path in ["/v1/session", "/v1/grants"] {
                let asked = curl(&found, path);
                assert!(!asked.stdout.contains(&found.id), "{asked:?}");
            }
            // Nor by a name space that is not its own.
            let mut unshare = on_the_desk(world);
            unshare
                .args(["unshare", "--user", "--map-root-user", "--pid", "--fork"])
                .arg(program("valetkey"))
                .args(TOKEN.split(' '))
                .env("VALETKEY_SOCKET", &found.socket);
            let refused = Outcome::of(&mut unshare, b"");
            assert_eq!(
                (refused.status, refused.stdout.as_str()),
                (3, ""),
                "{refused:?}"
            );
        },
    );
}

fn curl(session: &Session, path: &str) -> Outcome {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "10", "--unix-socket"])
        .arg(&session.socket)
        .arg(format!("http://valetkey{path}"));
    Outcome::of(&mut curl, b"")
}

#[test]
fn a_room_is_handed_in_once() {
    as_ordinary_user("escape::pinned::a_room_is_handed_in_once", || {
        let house = House::new();
        let world = &house.world;
        let mut room = Neighbour::start(world);
        let hand_in = |sessions: &[&str]| {
            let outcome = Outcome::of(&mut hand_in(world, sessions), b"").ok();
            outcome
                .stdout
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // A session that waits for its room takes whatever its user hands in: what a launcher does.
        let taken = hand_in(&["new"]);
        assert_eq!(taken[1], r#"{"ok":true}"#, "{taken:?}");
        let waiting = taken[0].strip_prefix("new ").expect("its id");

        // One that has its room takes no second, as long as the first is there.
        let refused = hand_in(&[&room.session]);
        assert!(refused[0].contains("already_exists"), "{refused:?}");
        // Nor when whoever handed the first one in has gone: that ends it.
        let refused = hand_in(&[waiting]);
        assert!(refused[0].contains(r#"{"error""#), "{refused:?}");
        room.kill_launcher();
        let refused = hand_in(&[&room.session]);
        assert!(refused[0].contains(r#"{"error""#), "{refused:?}");
        // Nor one that was started for no room, nor one that is not there.
        let session = world.session("coder");
        let refused = hand_in(&[&session.id, &"0".repeat(32)]);
        assert!(
            !refused.iter().any(|line| line.contains("ok")),
            "{refused:?}"
        );
        assert_eq!(refused.len(), 2);
    });
}

fn hand_in(world: &World, sessions: &[&str]) -> Command {
    let mut command = on_the_desk(world);
    command
        .args(["/usr/bin/python3", "-B"])
        .arg(workspace(world).join("escape/hand_in.py"))
        .arg(world.runtime())
        .args(sessions);
    command
}

#[test]
fn a_placeholder_is_dead_when_its_session_is() {
    as_ordinary_user(
        "escape::pinned::a_placeholder_is_dead_when_its_session_is",
        || {
            let house = House::new();
            let world = &house.world;
            let url = house.held_url();
            let script = format!(
            "ask() {{ curl --silent --max-time 10 --header \"authorization: Bearer $ESCAPE_API_KEY\" {url}; echo; }}
             echo $VALETKEY_SESSION; ask; read -r _; ask"
        );
            let mut agent = on_the_desk(world)
                .arg(program("valetkey"))
                .args(["run", "--agent", "coder", "--", "sh", "-c", &script])
                .current_dir(workspace(world))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("valetkey starts");
            let stdout = agent.stdout.take().expect("a pipe");
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let session = lines.next().expect("its session");
            let before = lines.next().expect("an answer");
            assert!(before.ends_with("arrived:yes"), "{before}");

            let revoke = format!("admin revoke --session {session} --reason drill --account boss");
            world.valetkey(&revoke).ok();
            let mut stdin = agent.stdin.take().expect("a pipe");
            stdin.write_all(b"now\n").expect("it listens");
            let after: Vec<_> = lines.collect();
            assert!(!after.concat().contains("reached"), "{after:?}");
            assert!(agent.wait().expect("it ends").success());
        },
    );
}

impl Neighbour {
    /// Ends the launcher as nobody plans for.
    fn kill_launcher(&mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::KILL).expect("it runs");
        self.child.wait().expect("it can be waited for");
    }
}
