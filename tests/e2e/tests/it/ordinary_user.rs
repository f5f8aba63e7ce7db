//! The broker as an ordinary user runs it, who has no rights that root would lend. Where the tests run
//! as root, each of these runs itself again as `nobody`.

#![expect(clippy::expect_used, reason = "what fails in a helper fails the test")]

use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use valetkey_e2e::{Outcome, World, as_ordinary_user, program, sandbox};

/// A long-lived secret to be looked for.
const CANARY: &str = "canary-93bb0e1fd2a14d6b8e55";

#[test]
fn the_main_job() {
    as_ordinary_user("ordinary_user::the_main_job", || {
        assert!(!geteuid().is_root());
        let mut world = at_work();
        let session = world.session("coder");
        let agent = |script: &str| {
            let mut bwrap = sandbox(Command::new("bwrap"), &program("valetkey"), &session);
            Outcome::of(bwrap.args(["sh", "-c", script]), b"")
        };
        let token = "valetkey token demo-api --scope api:read";
        assert_eq!(agent(token).ok().stdout.trim().split('.').count(), 3);
        assert_eq!(agent(&token.replace("read", "admin")).status, 3);
        let delete = token.replace("read", "delete");
        assert_eq!(agent(&delete).status, 4);
        world.approve(&world.question(), "--once").ok();
        assert_eq!(agent(&delete).ok().stdout.trim().split('.').count(), 3);

        let revoke = format!("admin revoke --session {} --reason drill", session.id);
        assert_eq!(world.valetkey(&revoke).status, 3, "the owner is no admin");
        agent(token).ok();
        world.valetkey(&format!("{revoke} --account boss")).ok();
        let refused = agent(token);
        assert!(refused.stderr.contains("revoked"), "{refused:?}");
        world.valetkey("audit verify").ok();
        world.valetkey("logout").ok();
        world.stop();
    });
}

/// By the kernel's rules a process may look into every other of its user, unless that one closed
/// itself. The one beside the broker did not.
#[test]
fn the_broker_is_closed_to_its_own_user() {
    as_ordinary_user(
        "ordinary_user::the_broker_is_closed_to_its_own_user",
        || {
            let world = at_work();
            let open = Bystander::start();
            let closed = world.broker().pid();
            for file in ["environ", "maps", "mem", "auxv", "io"] {
                let look = |pid: u32| File::open(format!("/proc/{pid}/{file}"));
                look(open.pid()).expect(file);
                let refused = look(closed).and_then(|mut file| file.read(&mut [0; 1]));
                let refused = refused.map_err(|error| error.kind());
                assert_eq!(refused, Err(ErrorKind::PermissionDenied), "{file}");
            }
            for folder in ["fd", "map_files", "cwd", "root"] {
                let look = |pid: u32| fs::read_dir(format!("/proc/{pid}/{folder}")).map(drop);
                look(open.pid()).expect(folder);
                let refused = look(closed).map_err(|error| error.kind());
                assert_eq!(refused, Err(ErrorKind::PermissionDenied), "{folder}");
            }
            assert_eq!(seize(open.pid()).status, 0);
            assert_eq!(seize(closed).status, 1, "no debugger either");
            world.valetkey("status").ok();
        },
    );
}

#[test]
fn a_crash_leaves_no_core() {
    as_ordinary_user("ordinary_user::a_crash_leaves_no_core", || {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("a pattern");
        let mut world = at_work();
        let mut add = world.command(["secret", "add", "deploy-key"]);
        Outcome::of(&mut add, CANARY.as_bytes()).ok();
        let here = world.folder().join("cores");
        fs::create_dir(&here).expect("a folder");
        for signal in [Signal::SEGV, Signal::ABORT] {
            let mut bystander = Bystander::start_in(&here);
            bystander.signal(signal);
            let status = bystander.0.wait().expect("it ends");
            if !pattern.starts_with(['|', '/']) {
                assert!(
                    status.core_dumped(),
                    "another process leaves one: {status:?}"
                );
                assert_ne!(files(&here), 0);
            }
            for core in fs::read_dir(&here).expect("the folder").flatten() {
                fs::remove_file(core.path()).expect("it can be removed");
            }

            world.stop();
            world.start_by(without_limit(&here));
            let session = world.session("coder");
            world
                .agent(&session, "token demo-api --scope api:read")
                .ok();
            if signal == Signal::SEGV {
                // The first is for Rust's own handler, which looks for an overflow of the stack, finds
                // none, and is not there for the second.
                world.broker().signal(signal);
                world.valetkey("status").ok();
            }
            world.broker().signal(signal);
            assert_eq!(world.take_broker().wait(), None, "it ended by the signal");
            assert_eq!(files(&here), 0, "and left nothing");
            world.start();
        }
    });
}

/// A shell that lets whatever follows write cores of any size that this user may into this folder.
fn without_limit(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -c $(ulimit -H -c) && cd \"$0\" && exec \"$@\"",
        ])
        .arg(folder);
    command
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).expect("the folder").count()
}

/// Whether a debugger can be attached (`PTRACE_SEIZE`, which stops nothing): exit status 0 or 1.
fn seize(pid: u32) -> Outcome {
    let script = "import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0) != 0)";
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-I", "-c", script]).arg(pid.to_string());
    Outcome::of(&mut python, b"")
}

/// A process of the same user that has not closed itself.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        Self::start_in(&env::temp_dir())
    }

    fn start_in(folder: &Path) -> Self {
        let mut command = without_limit(folder);
        let script = "echo ready; read -r _";
        let mut child = command
            .args(["sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let stdout = child.stdout.as_mut().expect("a pipe");
        stdout.read_exact(&mut [0; 6]).expect("it is ready");
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it runs");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// As [`World::at_work`], with a browser that this user may start.
fn at_work() -> World {
    let mut world = World::new();
    world.start();
    world.log_in();
    world
}
