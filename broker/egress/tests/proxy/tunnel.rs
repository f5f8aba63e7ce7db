//! CONNECT to hosts that are not looked into.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use valetkey_codes::Code;

use crate::{client, house::House, origin};

/// Says `hello` and then what it hears.
async fn parrot() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(b"hello").await.unwrap();
                let (mut reads, mut writes) = stream.split();
                drop(tokio::io::copy(&mut reads, &mut writes).await);
                drop(writes.shutdown().await);
            });
        }
    });
    port
}

#[tokio::test]
async fn bytes_pass_both_ways_and_are_counted() {
    let house = House::new().await;
    let port = parrot().await;
    let mut stream = client::connect(house.door, &format!("any.test:{port}"))
        .await
        .unwrap();
    // Who speaks first is the origin.
    let mut hello = [0; 5];
    stream.read_exact(&mut hello).await.unwrap();
    stream.write_all(&[7; 100_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, [7; 100_000]);
    let mut used = house.gate.used.subscribe();
    let sum = |used: &Vec<valetkey_egress::Used>| {
        used.iter().fold((0, 0, 0), |sum, one| {
            (sum.0 + one.requests, sum.1 + one.sent, sum.2 + one.received)
        })
    };
    used.wait_for(|used| sum(used) == (0, 100_000, 100_005))
        .await
        .unwrap();
    assert_eq!(
        *house.gate.asked.lock().unwrap(),
        [format!("connect https://any.test:{port}")]
    );
}

#[tokio::test]
async fn bytes_of_a_tunnel_that_goes_on_are_told_within_a_second() {
    let house = House::new().await;
    let port = parrot().await;
    let mut stream = client::connect(house.door, &format!("any.test:{port}"))
        .await
        .unwrap();
    stream.read_exact(&mut [0; 5]).await.unwrap();
    let mut used = house.gate.used.subscribe();
    let used = used.wait_for(|used| !used.is_empty()).await.unwrap();
    assert_eq!(used[0].received, 5);
}

#[tokio::test]
async fn tls_goes_through_to_the_origin_itself() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    let authority = format!("api.test:{}", at.port());
    let tunnel = client::connect(house.door, &authority).await.unwrap();
    let pem = origin::authority().pem();
    let stream = client::tls(tunnel, "api.test", pem, &[b"http/1.1"])
        .await
        .unwrap();
    let mut sender = client::http1(stream).await;
    let response = sender
        .send_request(client::get("/seen", &authority))
        .await
        .unwrap();
    assert!(client::text(response).await.starts_with("GET /seen\n"));
    assert_eq!(house.gate.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn tls_that_names_another_host_does_not_go_through() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    let pem = origin::authority().pem();
    // The origin itself would answer to that name.
    let tunnel = client::connect(house.door, &format!("api.test:{}", at.port()))
        .await
        .unwrap();
    client::tls(tunnel, "evil.test", pem, &[])
        .await
        .unwrap_err();
    // No name at all: TLS to an address has none.
    let tunnel = client::connect(house.door, &format!("api.test:{}", at.port()))
        .await
        .unwrap();
    client::tls(tunnel, "127.0.0.1", pem, &[])
        .await
        .unwrap_err();
    assert_eq!(house.gate.refusals(), [Code::TargetMismatch; 2]);
}

#[tokio::test]
async fn a_hello_in_pieces_is_read_whole() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    // The client's bytes come one by one.
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front_at = front.local_addr().unwrap();
    let (door, authority) = (house.door, format!("api.test:{}", at.port()));
    tokio::spawn(async move {
        let (near, _) = front.accept().await.unwrap();
        let far = client::connect(door, &authority).await.unwrap();
        far.set_nodelay(true).unwrap();
        let (mut near_reads, mut near_writes) = near.into_split();
        let (mut far_reads, mut far_writes) = far.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut far_reads, &mut near_writes).await });
        while let Ok(byte) = near_reads.read_u8().await {
            far_writes.write_all(&[byte]).await.unwrap();
        }
    });
    let tunnel = TcpStream::connect(front_at).await.unwrap();
    client::tls(tunnel, "api.test", origin::authority().pem(), &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_but_tls_goes_to_443() {
    // Whoever may bind 443 sees the origin end; else the tunnel is refused for want of one.
    let house = House::new().await;
    let Ok(listener) = TcpListener::bind("127.0.0.1:443").await else {
        return;
    };
    let mut tunnel = client::connect(house.door, "api.test:443").await.unwrap();
    let (mut origin, _) = listener.accept().await.unwrap();
    tunnel
        .write_all(b"POST /exfil HTTP/1.1\r\nhost: evil.test\r\n\r\n")
        .await
        .unwrap();
    let mut heard = Vec::new();
    drop(origin.read_to_end(&mut heard).await);
    assert!(heard.is_empty());
    assert_eq!(house.gate.refusals(), [Code::TargetMismatch]);
}

#[tokio::test]
async fn a_denied_tunnel_reaches_nobody() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("api.test:{}", listener.local_addr().unwrap().port());
    house.gate.deny(format!("connect https://{authority}"));
    let answer = client::connect(house.door, &authority).await.unwrap_err();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("\"error\":\"denied\""), "{answer}");
}
