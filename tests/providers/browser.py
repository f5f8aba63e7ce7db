#!/usr/bin/python3 -I
"""A browser without a window: logs a user in where a person would click.

usage: BROWSER="browser.py --user alice" ...          then it is started as: browser.py --user alice URL
       browser.py --user alice [--password P] URL     walks from an authorization URL to the redirect
       browser.py --user alice --device-code CODE URL walks the verification page of the device flow
       browser.py --user alice --deny URL             says no where the page lets one

The user may also come from VALETKEY_TEST_USER, for where BROWSER cannot hold arguments. The password is,
unless told, the user's name and `password`, as tests/providers sets them up.

Knows the pages of oidc-provider (devInteractions), canaille, and our devidp; needs Python's standard
library only. Exit status: 0 the redirect was delivered with a code, or the device was approved;
1 it was not, and standard error says where it got stuck.
"""

import argparse
import html.parser
import http.cookiejar
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

PAGES = 20  # more than any walk needs; a loop of redirects ends here
SECONDS = 20


class Stuck(Exception):
    """The walk cannot go on."""


class Page(html.parser.HTMLParser):
    """The forms of a page, and its words for an error message."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._skip = 0
        self._form = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        if tag in ("script", "style"):
            self._skip += 1
        elif tag == "a":
            self.links.append(at.get("href") or "")
        elif tag == "form":
            self._form = {"method": at.get("method", "get").lower(), "action": at.get("action"), "fields": {}, "buttons": []}
            self.forms.append(self._form)
        elif self._form is not None and tag == "input" and at.get("name"):
            if at.get("type") not in ("checkbox", "radio", "submit") or "checked" in at:
                self._form["fields"][at["name"]] = at.get("value") or ""
        elif self._form is not None and tag == "button" and at.get("name"):
            self._form["buttons"].append((at["name"], at.get("value") or ""))

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._skip -= 1
        elif tag == "form":
            self._form = None

    def handle_data(self, data):
        if not self._skip and data.strip():
            self.words.append(data.strip())


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hands redirects back: the last one goes to the client, and is told apart before it is followed."""

    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, args) -> None:
        self.args = args
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # No proxy: everything visited here is on the loopback address.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, NoRedirect)

    def fetch(self, url: str, fields=None):
        """One request. Returns (where a redirect points or None, status, text)."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            answer = self.opener.open(urllib.request.Request(url, data), timeout=SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            location = answer.headers.get("Location") if 300 <= answer.status < 400 else None
            text = answer.read(1 << 20).decode(errors="replace")
        return (urllib.parse.urljoin(url, location) if location else None), answer.status, text

    def walk(self, url: str) -> None:
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        home = query.get("redirect_uri")
        filled = {}
        fields = None
        for _ in range(PAGES):
            if home and url.split("?")[0] == home:
                return self.deliver(url)
            location, status, text = self.fetch(url, fields)
            if location:
                url, fields = location, None
                continue
            page = Page(text)
            said = " ".join(page.words)[:300]
            if status >= 400:
                raise Stuck(f"HTTP {status} at {url.split('?')[0]}: {said}")
            cancel = [link for link in page.links if link.endswith("/abort")]
            if self.args.deny and cancel:
                url, fields = urllib.parse.urljoin(url, cancel[0]), None
                continue
            form = self.choose(page)
            if form is None:
                if home:
                    raise Stuck(f"a page without a form at {url.split('?')[0]}: {said}")
                return None  # the device flow ends on a page that says so
            answers = self.fill(form)
            # The same answers to the same question: they were not accepted.
            question = (form["method"], tuple(sorted(set(answers) - {"csrf_token", "xsrf", "user_code"})), url)
            if filled.setdefault(question, 0) >= 1:
                raise Stuck(f"not accepted at {url.split('?')[0]}: {said}")
            filled[question] += 1
            action = urllib.parse.urljoin(url, form["action"] or "")
            if form["method"] == "post":
                url, fields = action, answers
            else:
                url, fields = f"{action.split('?')[0]}?{urllib.parse.urlencode(answers)}", None
        raise Stuck(f"still no end after {PAGES} pages, at {url.split('?')[0]}")

    def choose(self, page: Page):
        """The form to answer: the first that is about logging in and not about, say, the language."""
        known = {"login", "password", "user_code", "prompt", "confirm", "csrf_token", "request", "user", "answer"}
        for form in page.forms:
            if known & (set(form["fields"]) | {name for name, _ in form["buttons"]}):
                return form
        return None

    def fill(self, form) -> dict:
        args, answers, buttons = self.args, dict(form["fields"]), form["buttons"]
        for name, value in (("login", args.user), ("password", args.password), ("user_code", args.device_code)):
            if name in answers and value is not None:
                answers[name] = value
        yes = [("user", args.user), ("answer", "accept")]
        no = [("deny", "1"), ("answer", "deny")]
        wanted = [button for button in (no if args.deny else yes) if button in buttons]
        if ("user", args.user) not in buttons and any(name == "user" for name, _ in buttons) and not args.deny:
            raise Stuck(f"`{args.user}` is not among the users that the page offers")
        answers.update(wanted[:1])
        return answers

    def deliver(self, url: str) -> None:
        """Brings the code to whoever listens at the redirect."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        try:
            _, status, _ = self.fetch(url)
        except OSError as error:
            raise Stuck(f"nobody listens at {url.split('?')[0]}: {error}") from error
        if "error" in query:
            raise Stuck(f"the provider said {query['error']}: {query.get('error_description', '')}")
        if "code" not in query or status >= 400:
            raise Stuck(f"delivered to {url.split('?')[0]}, which answered HTTP {status}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Log a user in without a window.")
    parser.add_argument("--user", default=os.environ.get("VALETKEY_TEST_USER"))
    parser.add_argument("--password")
    parser.add_argument("--device-code", metavar="CODE")
    parser.add_argument("--deny", action="store_true")
    parser.add_argument("url")
    args = parser.parse_args()
    if not args.user:
        parser.error("who? --user, or VALETKEY_TEST_USER")
    args.password = args.password or f"{args.user}password"
    try:
        Browser(args).walk(args.url)
    except (Stuck, OSError) as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
