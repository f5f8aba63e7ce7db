//! Whether rooms can be made here, and if not, why.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use landlock::{ABI, AccessFs, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError};

use crate::{bwrap, error::printable};

/// Something that was looked at.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub text: String,
    /// What to do, if something should be done.
    pub next: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// Rooms can be made, with less than there could be.
    Care,
    /// No room can be made.
    Bad,
}

/// Looks at everything that a room needs. Starts bubblewrap twice.
pub fn findings() -> Vec<Finding> {
    let mut findings = vec![kernel()];
    match bwrap::find().and_then(|program| Ok((bwrap::version(&program)?, program))) {
        Ok((version, program)) => {
            let text = format!("{} at {}", printable(&version), program.display());
            findings.push(good("bubblewrap", text));
            findings.push(namespaces(&program));
        }
        Err(error) => findings.push(bad("bubblewrap", error.to_string(), error.next_step())),
    }
    findings.extend([landlock(), seccomp()]);
    findings
}

fn kernel() -> Finding {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    good("kernel", format!("Linux {}", printable(&release)))
}

/// Really tries.
fn namespaces(program: &Path) -> Finding {
    const NAME: &str = "namespaces";
    let tried = Command::new(program)
        .args(["--unshare-all", "--unshare-user", "--disable-userns"])
        .args([
            "--cap-drop",
            "ALL",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
        ])
        .args(["--dev", "/dev", "--", "/usr/bin/true"])
        .stdin(Stdio::null())
        .env_clear()
        .output();
    match tried {
        Ok(output) if output.status.success() => good(NAME, "a user may make them".into()),
        Ok(output) => {
            let said = printable(String::from_utf8_lossy(&output.stderr).trim());
            let next = reason(&said);
            bad(NAME, format!("bubblewrap said: {said}"), &next)
        }
        Err(error) => bad(NAME, error.to_string(), "see that bubblewrap can be run"),
    }
}

/// Why they cannot be made, in the order in which it is likely.
fn reason(said: &str) -> String {
    let setting = |name: &str| {
        fs::read_to_string(format!("/proc/sys/{name}")).map(|text| text.trim().to_owned())
    };
    let is = |name: &str, value: &str| setting(name).is_ok_and(|found| found == value);
    if is("kernel/unprivileged_userns_clone", "0") {
        return "set `sysctl kernel.unprivileged_userns_clone=1`".into();
    }
    if is("user/max_user_namespaces", "0") {
        return "set `sysctl user.max_user_namespaces` to what the distribution has, not 0".into();
    }
    if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        return "add an AppArmor profile that lets /usr/bin/bwrap make user namespaces (`userns,`), \
                or set `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
            .into();
    }
    let contained = ["/.dockerenv", "/run/.containerenv"];
    if contained.iter().any(|mark| Path::new(mark).exists()) {
        return "start the container so that namespaces can be made in it: for Docker \
                `--security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                --security-opt systempaths=unconfined`"
            .into();
    }
    if said.contains("proc") {
        return "this looks like a container whose /proc is masked: start it with unmasked system \
                paths"
            .into();
    }
    "see what your distribution says about unprivileged user namespaces".into()
}

fn landlock() -> Finding {
    const NAME: &str = "Landlock";
    // Only who restricts itself is told: a thread for that.
    let abi = thread::spawn(|| {
        let rules = Ruleset::default().handle_access(AccessFs::MakeChar)?;
        Ok(rules.create()?.restrict_self()?.landlock)
    });
    let abi: Result<LandlockStatus, RulesetError> =
        abi.join().unwrap_or(Ok(LandlockStatus::NotImplemented));
    match abi.map(ABI::from) {
        Ok(ABI::Unsupported) | Err(_) => bad(
            NAME,
            "this kernel does not have it".into(),
            "boot with `lsm=landlock,...`, or let the profile do without",
        ),
        Ok(abi) if abi < ABI::V6 => Finding {
            health: Health::Care,
            next: Some("a kernel from 6.12 on also keeps signals inside".into()),
            ..good(NAME, format!("version {abi:?}, files alone"))
        },
        Ok(abi) => good(NAME, format!("version {abi:?}")),
    }
}

fn seccomp() -> Finding {
    const NAME: &str = "seccomp";
    match fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail") {
        Ok(actions) if actions.contains("errno") && actions.contains("kill_process") => {
            good(NAME, "filters of system calls can be set".into())
        }
        _ => bad(
            NAME,
            "this kernel has no filters of system calls".into(),
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
    }
}

const fn good(name: &'static str, text: String) -> Finding {
    Finding {
        name,
        health: Health::Good,
        text,
        next: None,
    }
}

fn bad(name: &'static str, text: String, next: &str) -> Finding {
    Finding {
        name,
        health: Health::Bad,
        text,
        next: Some(next.to_owned()),
    }
}
