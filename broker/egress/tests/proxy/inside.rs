//! Hosts that are looked into.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use valetkey_codes::Code;

use crate::{client, house::House, origin};

#[tokio::test]
async fn requests_inside_are_asked_about_one_by_one() {
    for h2 in [false, true] {
        let house = House::new().await;
        let at = origin::tls(h2, origin::echo).await;
        let authority = format!("api.test:{}", at.port());
        let url = format!("https://{authority}");
        house.gate.look_into(&url);
        house.gate.deny(format!("DELETE {url}/all"));
        let stream = client::inside(&house, &authority, &[b"http/1.1"]).await;
        let mut sender = client::http1(stream).await;
        let response = sender
            .send_request(client::get("/a?b", &authority))
            .await
            .unwrap();
        let text = client::text(response).await;
        assert!(
            text.starts_with(&format!("GET /a?b\nhost: {authority}\n")),
            "{text}"
        );
        let mut request = client::get("/all", &authority);
        *request.method_mut() = http::Method::DELETE;
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["valetkey-code"], "denied");
        assert_eq!(
            *house.gate.asked.lock().unwrap(),
            [
                format!("connect {url}"),
                format!("connect {url}"),
                format!("GET {url}/a"),
                format!("connect {url}"),
                format!("DELETE {url}/all")
            ]
        );
    }
}

#[tokio::test]
async fn http2_inside_goes_on_as_what_the_origin_speaks() {
    for h2 in [false, true] {
        let house = House::new().await;
        let at = origin::tls(h2, |request| async move {
            let version = format!("{:?} ", request.version());
            let mut response = origin::echo(request).await;
            response
                .headers_mut()
                .insert("x-version", version.trim().parse().unwrap());
            response
        })
        .await;
        let authority = format!("api.test:{}", at.port());
        house.gate.look_into(format!("https://{authority}"));
        let stream = client::inside(&house, &authority, &[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let sender = client::http2(stream).await;
        let ask = |number: usize| {
            let (mut sender, authority) = (sender.clone(), authority.clone());
            async move {
                let uri = format!("https://{authority}/{number}");
                let mut request = client::get(&uri, &authority);
                request
                    .headers_mut()
                    .append("cookie", "a=1".parse().unwrap());
                request
                    .headers_mut()
                    .append("cookie", "b=2".parse().unwrap());
                let response = sender.send_request(request).await.unwrap();
                let version = response.headers()["x-version"].to_str().unwrap().to_owned();
                (version, client::text(response).await)
            }
        };
        for (version, text) in futures_util::future::join_all((0..20).map(ask)).await {
            assert_eq!(version, if h2 { "HTTP/2.0" } else { "HTTP/1.1" });
            assert!(text.contains("cookie: a=1; b=2\n"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_not_tls_does_not_go_on_unseen() {
    let house = House::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("api.test:{}", listener.local_addr().unwrap().port());
    // Rules for the host in the clear count as well: a tunnel would pass them by.
    for url in [
        format!("https://{authority}"),
        format!("http://{authority}"),
    ] {
        house.gate.looks.lock().unwrap().clear();
        house.gate.look_into(url);
        for bytes in [
            "POST /exfil HTTP/1.1\r\nhost: x\r\n\r\n",
            "\0\0\0\0",
            "SSH-2.0-x\r\n",
        ] {
            let mut tunnel = client::connect(house.door, &authority).await.unwrap();
            tunnel.write_all(bytes.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            drop(tunnel.read_to_end(&mut heard).await);
        }
    }
    assert_eq!(house.gate.refusals(), [Code::TargetMismatch; 6]);
    assert!(futures_util::FutureExt::now_or_never(listener.accept()).is_none());
}

#[tokio::test]
async fn tls_inside_names_the_host_that_was_connected_to() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    for name in ["evil.test", "127.0.0.1"] {
        let tunnel = client::connect(house.door, &authority).await.unwrap();
        client::tls(tunnel, name, &house.ca_pem, &[])
            .await
            .unwrap_err();
    }
    assert_eq!(house.gate.refusals(), [Code::TargetMismatch; 2]);
    // Nobody but this sandbox trusts the authority, and it vouches for nobody unasked.
    let tunnel = client::connect(house.door, &authority).await.unwrap();
    let pem = origin::authority().pem();
    client::tls(tunnel, "api.test", pem, &[]).await.unwrap_err();
}

#[tokio::test]
async fn an_origin_whose_certificate_is_bad_is_not_spoken_to() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    // The origin is `api.test`; this name resolves to it and is not.
    let authority = format!("rebound.example:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    house.names.0.lock().unwrap().push_back(vec![at]);
    let stream = client::inside(&house, &authority, &[b"http/1.1"]).await;
    let mut sender = client::http1(stream).await;
    let response = sender
        .send_request(client::get("/", &authority))
        .await
        .unwrap();
    assert_eq!(response.status(), 502);
}
