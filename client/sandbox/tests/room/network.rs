//! The one way out: a listener that is handed out of the room.

use std::{fs, io::Write as _, net::TcpListener};

use crate::house::{AUTHORITY, House};

#[test]
fn whoever_holds_the_listener_accepts_from_inside() {
    let house = House::new();
    let mut room = house
        .room("exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; head -n1 <&3; env | grep -i proxy'");
    room.proxy = true;
    let mut sandbox = house.start(&room);
    let listener = TcpListener::from(sandbox.take_listener().expect("a listener"));
    assert!(sandbox.take_listener().is_none());
    let (mut stream, _) = listener.accept().expect("one comes");
    stream.write_all(b"from outside\n").expect("it reads");
    assert_eq!(sandbox.wait().expect("it ends").status, 0);
    let text = house.text();
    assert!(text.starts_with("from outside\n"), "{text}");
    assert!(
        text.contains("https_proxy=http://127.0.0.1:3128\n"),
        "{text}"
    );
}

/// Inside nobody can answer in its place.
#[test]
fn the_port_is_taken_and_there_is_no_other_network() {
    let house = House::new();
    let mut room = house.room(
        "python3 -c 'import socket; socket.create_server((\"127.0.0.1\", 3128))' && echo bound
        cat /proc/net/dev | tail -n +3 | cut -d: -f1
        bash -c '</dev/tcp/1.1.1.1/443'",
    );
    room.proxy = true;
    let outcome = house.run(&room);
    assert!(!outcome.text.contains("bound"), "{}", outcome.text);
    assert!(outcome.text.contains("\n    lo\n"), "{}", outcome.text);
    assert!(outcome.text.contains("unreachable"), "{}", outcome.text);
}

#[test]
fn without_a_proxy_nothing_listens() {
    let house = House::new();
    let room = house.room("env | grep -i proxy; exec bash -c '</dev/tcp/127.0.0.1/3128'");
    let mut sandbox = house.start(&room);
    assert!(sandbox.take_listener().is_none());
    assert_ne!(sandbox.wait().expect("it ends").status, 0);
    assert!(house.text().contains("refused"), "{}", house.text());
    assert!(!house.text().contains("127.0.0.1:3128\n"));
}

#[test]
fn the_authority_is_believed_beside_the_hosts() {
    let house = House::new();
    let mut room = house.room(
        "tail -n2 $SSL_CERT_FILE; cat $NODE_EXTRA_CA_CERTS; grep -c BEGIN $SSL_CERT_FILE; \
         cmp $SSL_CERT_FILE /etc/ssl/certs/ca-certificates.crt; echo > $SSL_CERT_FILE",
    );
    room.authority = Some(AUTHORITY.into());
    let outcome = house.run(&room);
    assert!(outcome.text.starts_with(&format!(
        "dGhlIHByb3h5\n-----END CERTIFICATE-----\n{AUTHORITY}"
    )));
    assert!(!outcome.text.contains("differ"), "{}", outcome.text);
    assert_ne!(outcome.status, 0, "it cannot be changed");
    let host = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    let count = host.matches("BEGIN").count() + 1;
    assert!(
        outcome.text.contains(&format!("\n{count}\n")),
        "{}",
        outcome.text
    );
}
