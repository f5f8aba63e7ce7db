//! The few pages a browser sees. Plain HTML, one form each, so that a script can walk them.

use axum::response::Html;

use crate::config::User;

/// Who are you? One button for each user, and one to say no.
pub(crate) fn choose_user(
    action: &str,
    field: &str,
    value: &str,
    asks: &str,
    users: &[User],
) -> Html<String> {
    let buttons: String = users
        .iter()
        .map(|user| {
            let name = escape(&user.name);
            format!("<p><button name=\"user\" value=\"{name}\">log in as {name}</button>\n")
        })
        .collect();
    frame(&format!(
        "<p>{} asks who you are.\n<form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"{field}\" value=\"{}\">\n{buttons}\
         <p><button name=\"deny\" value=\"1\">deny</button>\n</form>\n",
        escape(asks),
        escape(value),
    ))
}

/// Which code does your device show?
pub(crate) fn ask_user_code() -> Html<String> {
    frame(
        "<form method=\"get\" action=\"/device\">\n<p><label>code <input name=\"user_code\"></label>\n\
         <p><button>continue</button>\n</form>\n",
    )
}

/// One sentence, and that is the end of it.
pub(crate) fn sentence(text: &str) -> Html<String> {
    frame(&format!("<p>{}\n", escape(text)))
}

fn frame(body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>devidp</title>\n<h1>devidp</h1>\n{body}"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
