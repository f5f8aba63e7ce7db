//! Java's two clients, which heed no variable but the one that is Java's own.

use valetkey_e2e::{CANARY, Trip};

const CLIENT: &str = r#"
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import javax.net.ssl.HttpsURLConnection;

class Client {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[0] + "/gzip")).build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body());

        var connection = (HttpsURLConnection) new URL(arguments[0] + "/echo").openConnection();
        var body = new String(connection.getInputStream().readAllBytes());
        System.out.println(connection.getResponseCode() + " " + body);
    }
}
"#;

#[test]
fn both_of_its_clients_are_served() {
    let trip = Trip::to(
        "origin.py",
        &[],
        r#"
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = ["HOST"]
header = "authorization"
scope = "read"
"#,
    );
    trip.pack("Client.java", CLIENT);
    let said = trip.errand("java Client.java $BASE").ok();
    let mut answers = said.stdout.lines();
    for (path, begins) in [("/gzip", "HTTP_2 200 {"), ("/echo", "200 {")] {
        let answer = answers.next().unwrap_or_default();
        assert!(answer.starts_with(begins), "{path}: {said:?}");
        let seen = trip.origin.seen_at(path);
        assert_eq!(
            seen[0]["headers"]["authorization"],
            format!("Bearer {CANARY}"),
            "{path}"
        );
    }
}
