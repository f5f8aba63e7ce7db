//! Opens the system browser.

use std::{
    env,
    process::{Command, Stdio},
};

/// Starts the browser on `url`; whether one was started. It goes on by itself.
///
/// `BROWSER` is a list of commands with colons between them, of which the first that starts is
/// used; without it the desktop chooses. No shell ever sees the URL.
pub(crate) fn open(url: &str) -> bool {
    is_web_address(url)
        && candidates(env::var("BROWSER").ok().as_deref())
            .iter()
            .any(|command| start(&with_url(command, url)))
}

/// A provider does not get to open files or other programs, or to pass an option.
fn is_web_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

fn candidates(named: Option<&str>) -> Vec<String> {
    let named = named.unwrap_or_default().split(':').map(str::trim);
    let named: Vec<_> = named
        .filter(|command| !command.is_empty())
        .map(str::to_owned)
        .collect();
    if named.is_empty() {
        vec!["xdg-open".to_owned()]
    } else {
        named
    }
}

/// The words of a command with the URL in the place of `%s`, or at the end.
fn with_url(command: &str, url: &str) -> Vec<String> {
    let words = command.split_whitespace();
    let mut words: Vec<_> = words.map(|word| word.replace("%s", url)).collect();
    if !command.contains("%s") {
        words.push(url.to_owned());
    }
    words
}

fn start(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    // Its talk would get between the lines of ours.
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::{candidates, is_web_address, with_url};

    const URL: &str = "https://idp.test/?a=1&b=$(x)";

    #[test]
    fn the_url_is_one_argument() {
        assert_eq!(with_url("firefox", URL), ["firefox", URL]);
        assert_eq!(
            with_url("firefox --new-window", URL),
            ["firefox", "--new-window", URL]
        );
        assert_eq!(
            with_url("open --url=%s -n", URL),
            ["open", &format!("--url={URL}"), "-n"]
        );
    }

    #[test]
    fn the_list_is_read_in_order() {
        assert_eq!(candidates(Some("a: :b x")), ["a", "b x"]);
        assert_eq!(candidates(Some("")), ["xdg-open"]);
        assert_eq!(candidates(None), ["xdg-open"]);
    }

    #[test]
    fn only_web_addresses_are_opened() {
        assert!(is_web_address(URL));
        for other in [
            "file:///etc/passwd",
            "-h",
            "javascript:1",
            "https://x\n--y",
            "https://x y",
        ] {
            assert!(!is_web_address(other), "{other:?}");
        }
    }
}
