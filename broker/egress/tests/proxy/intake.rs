//! Handing a listener in.

use std::os::{
    fd::{AsFd as _, OwnedFd},
    unix::fs::PermissionsExt as _,
};

use tokio::{io::BufReader, net::UnixStream};

use crate::house::{House, enter, hand_in, line};

async fn answer(stream: UnixStream) -> String {
    line(&mut BufReader::new(stream)).await
}

#[tokio::test]
async fn a_room_is_entered_once_and_by_a_known_session() {
    let house = House::new().await;
    let porch = house.porch.0.lock().unwrap().clone();
    assert_eq!(porch, [(house.session, 4242)]);
    let socket = house.folder.path().join("room.sock");
    let mode = std::fs::metadata(socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (_, second) = enter(&house.folder, &house.session.to_string()).await;
    assert!(answer(second).await.contains("\"code\":\"already_exists\""));
    let (_, other) = enter(&house.folder, "0198c0de000070008000000000000001").await;
    assert!(answer(other).await.contains("\"code\":\"unknown_session\""));
    assert_eq!(house.porch.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn only_one_listening_tcp_socket_is_taken() {
    let house = House::new().await;
    house.egress.close(house.session).await;
    let words = format!("{{\"session\":\"{}\",\"sandbox\":1}}\n", house.session);
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let unix = std::os::unix::net::UnixListener::bind(house.folder.path().join("x")).unwrap();
    let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let refused: &[&[_]] = &[
        &[],
        &[tcp.as_fd(), tcp.as_fd()],
        &[tcp.as_fd(); 6],
        &[connected.as_fd()],
        &[datagrams.as_fd()],
        &[unix.as_fd()],
        &[file.as_fd()],
    ];
    for descriptors in refused {
        let stream = hand_in(&house.folder, &words, descriptors).await;
        let answer = answer(stream).await;
        assert!(answer.contains("\"code\":\"invalid_request\""), "{answer}");
    }
    for words in ["\n", "{}\n", "{\"session\":\"x\",\"sandbox\":1}\n", "no\n"] {
        let stream = hand_in(&house.folder, words, &[tcp.as_fd()]).await;
        let answer = answer(stream).await;
        assert!(answer.contains("\"code\":\"invalid_request\""), "{answer}");
    }
}
