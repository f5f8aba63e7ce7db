//! Notifications on a desktop of the test's own: a private session bus, an X server without a screen,
//! and dunst, which shows what it is told and remembers what it showed.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    os::unix::net::UnixListener,
    process::{Child, Command, Stdio},
};

use valetkey_core::{
    Approval, Audience, ScopeSet,
    ports::{Messenger as _, MessengerError},
};
use valetkey_messenger::DesktopMessenger;
use valetkey_support::desktop::PrivateDesktop;
use zbus::{
    Connection, Proxy, connection,
    zvariant::{OwnedValue, Value},
};

use crate::world::{PATIENT, question};

#[tokio::test]
async fn a_question_is_shown_until_it_is_settled() {
    let screen = Screen::start().await;
    let (one, other) = (hostile(1), hostile(2));
    let messenger = screen.messenger();
    let (first, second) = (carrying(&messenger, &one), carrying(&messenger, &other));
    screen.until_shown(2).await;
    first.abort();
    screen.until_shown(1).await;
    second.abort();
    screen.until_shown(0).await;

    let history = screen.history().await;
    assert_eq!(history.len(), 2, "one notification for each question");
    // The last to be closed is the first of the history.
    for (asked, shown) in [&other, &one].into_iter().zip(&history) {
        assert_eq!(text(shown, "appname"), "Valetkey");
        assert_eq!(text(shown, "summary"), "coder asks for orders");
        let (session, id) = (asked.session, asked.id);
        let body = format!(
            "orders:&lt;b&gt;&amp;amp;\nfor https://orders.example.test/&lt;i&gt;\nsession {session}\nquestion {id}\nTo answer, run: valetkey approvals"
        );
        assert_eq!(text(shown, "body"), body);
        let all = format!("{shown:?}");
        assert!(!all.contains("canary") && !all.contains("whsec"), "{all}");
    }
}

/// It waits for nothing but the end of a question that nobody answers.
#[tokio::test]
async fn nothing_comes_back() {
    let screen = Screen::start().await;
    let asked = question(1);
    let messenger = screen.messenger();
    let carried = messenger.carry(&asked, &asked.asked.user);
    let until_over = async {
        screen.until_shown(1).await;
        // From now on the runtime's clock moves on by itself where everybody waits.
        tokio::time::pause();
    };
    let (carried, ()) = tokio::join!(carried, until_over);
    assert_eq!(carried.unwrap(), None);
    tokio::time::resume();
    screen.until_shown(0).await;
}

#[tokio::test]
async fn where_there_is_no_desktop_it_says_so() {
    let bus = PrivateDesktop::without_keyring().unwrap();
    for address in ["unix:path=/nowhere/at/all".to_owned(), address(&bus)] {
        let asked = question(1);
        let messenger = DesktopMessenger::on(address);
        let error = messenger
            .carry(&asked, &asked.asked.user)
            .await
            .unwrap_err();
        assert!(matches!(error, MessengerError::Absent(_)), "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("no desktop shows notifications: "),
            "{text}"
        );
    }
}

/// The runtime's clock moves on by itself where everybody waits.
#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let _deaf = UnixListener::bind(&path).unwrap();
    let asked = question(1);
    let messenger = DesktopMessenger::on(format!("unix:path={}", path.display()));
    let error = messenger
        .carry(&asked, &asked.asked.user)
        .await
        .unwrap_err();
    assert!(matches!(error, MessengerError::Failed(_)), "{error}");
}

/// A question whose every part looks like markup, as far as it may, and whose reason must not be seen.
fn hostile(n: u64) -> Approval {
    let mut question = question(n);
    question.asked.reason = Some("canary".into());
    question.asked.workspace = Some("/canary".into());
    question.asked.grant.scopes = ScopeSet::parse(["orders:<b>&amp;"]).unwrap();
    question.asked.grant.audience = Audience::parse("https://orders.example.test/<i>").unwrap();
    question
}

fn carrying(
    messenger: &DesktopMessenger,
    question: &Approval,
) -> tokio::task::JoinHandle<Result<(), MessengerError>> {
    let (messenger, question) = (messenger.clone(), question.clone());
    tokio::spawn(async move {
        let carried = messenger.carry(&question, &question.asked.user).await;
        carried.map(drop)
    })
}

fn address(desktop: &PrivateDesktop) -> String {
    let env: HashMap<_, _> = desktop.env().into_iter().collect();
    env["DBUS_SESSION_BUS_ADDRESS"].display().to_string()
}

/// A desktop that shows notifications.
struct Screen {
    dunst: Child,
    x: Child,
    bus: Connection,
    desktop: PrivateDesktop,
}

impl Screen {
    async fn start() -> Self {
        let desktop = PrivateDesktop::without_keyring().unwrap();
        let mut x = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "640x480x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is missing; run tests/provision/test.sh");
        let mut display = String::new();
        let mut output = BufReader::new(x.stdout.take().unwrap());
        output.read_line(&mut display).unwrap();
        let dunst = desktop
            .host(&mut Command::new("dunst"))
            .env("DISPLAY", format!(":{}", display.trim()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dunst is missing; run tests/provision/test.sh");
        let there = desktop
            .host(&mut Command::new("gdbus"))
            .args([
                "wait",
                "--session",
                "--timeout=20",
                "org.freedesktop.Notifications",
            ])
            .status();
        assert!(there.unwrap().success(), "dunst did not come up");
        let builder = connection::Builder::address(address(&desktop).as_str()).unwrap();
        Self {
            dunst,
            x,
            bus: builder.build().await.unwrap(),
            desktop,
        }
    }

    fn messenger(&self) -> DesktopMessenger {
        DesktopMessenger::on(address(&self.desktop))
    }

    async fn dunst(&self) -> Proxy<'_> {
        let cache = zbus::proxy::CacheProperties::No;
        let proxy = zbus::proxy::Builder::new(&self.bus)
            .destination("org.freedesktop.Notifications")
            .and_then(|it| it.path("/org/freedesktop/Notifications"))
            .and_then(|it| it.interface("org.dunstproject.cmd0"))
            .unwrap();
        proxy.cache_properties(cache).build().await.unwrap()
    }

    async fn until_shown(&self, number: u32) {
        let dunst = self.dunst().await;
        let shown = async {
            while dunst.get_property::<u32>("displayedLength").await.unwrap() != number {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENT, shown).await;
        in_time.expect("dunst shows another number");
    }

    async fn history(&self) -> Vec<HashMap<String, OwnedValue>> {
        let dunst = self.dunst().await;
        dunst.call("NotificationListHistory", &()).await.unwrap()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for program in [&mut self.dunst, &mut self.x] {
            // Both fail only for a program that is gone already.
            drop(program.kill());
            drop(program.wait());
        }
    }
}

fn text<'a>(shown: &'a HashMap<String, OwnedValue>, field: &str) -> &'a str {
    match shown.get(field).map(|value| &**value) {
        Some(Value::Str(text)) => text.as_str(),
        _ => "",
    }
}
