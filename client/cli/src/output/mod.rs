//! The one module that prints.
//!
//! What a command has to say is one value: [`Show`] makes it readable, `Serialize` makes it JSON, so
//! neither form can know something that the other does not. Every word that a person sees goes
//! through [`clean`] in [`Page`].

mod clean;
mod count;
mod json;
mod page;
mod progress;
mod record;
mod screen;
mod text;
mod time;

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    os::fd::AsFd,
    time::Duration,
};

use rustix::termios::tcgetwinsize;
use serde::Serialize;
use valetkey_sdk::{Exit, Token};
use zeroize::Zeroizing;

pub(crate) use self::{
    clean::clean,
    count::counted,
    page::{Page, Tone},
    screen::Screen,
    text::{fit, hang, pad, quote},
    time::{left, moment, now, remaining, span},
};
use crate::failure::Failure;

/// Columns of a terminal that does not tell.
const COLUMNS: usize = 80;

/// Something that can be shown to a person.
pub(crate) trait Show {
    /// Writes it on `page`.
    fn show(&self, page: &mut Page);
}

/// Standard output and standard error, and how they are to be used.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Whether programs read, and not people.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a value: as JSON on one line, or for a person.
    pub(crate) fn print(&self, value: &(impl Serialize + Show)) -> Result<(), Failure> {
        let text = if self.json {
            json::line(value)?
        } else {
            let mut page = page(&io::stdout());
            value.show(&mut page);
            Zeroizing::new(page.into_bytes())
        };
        write(&text)
    }

    /// Prints a token and nothing else; with more around it as JSON.
    pub(crate) fn token(&self, token: &Token, around: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            return write(&json::line(around)?);
        }
        let text = token.value().reveal();
        // In one write and with room from the start, so that no copy is left behind.
        let mut line = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        line.extend_from_slice(text.as_bytes());
        line.push(b'\n');
        write(&line)
    }

    /// Prints bytes that are made of nothing from outside.
    pub(crate) fn verbatim(&self, bytes: &[u8]) -> Result<(), Failure> {
        write(bytes)
    }

    /// Tells on standard error why a command failed, and returns its exit status.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if let Failure::Told(error) = failure {
            let stderr = io::stderr();
            let bytes = if self.json {
                json::failure(error)
            } else {
                let mut page = page(&stderr);
                page.toned(Tone::Bad, &format!("valetkey: {}", error.message));
                page.line(&format!("next: {}", error.next_step));
                if let Some(approval) = &error.approval {
                    page.line(&format!("approval: {approval}"));
                }
                if let Some(request) = &error.request {
                    page.toned(Tone::Dim, &format!("request: {request}"));
                }
                page.into_bytes()
            };
            // With standard error closed there is no place left to complain.
            let _ = stderr.lock().write_all(&bytes);
        }
        failure.exit()
    }

    /// Tells a person on standard error of something that is no failure.
    pub(crate) fn remark(&self, text: &str) {
        let stderr = io::stderr();
        let mut page = page(&stderr);
        page.toned(Tone::Care, &format!("valetkey: {text}"));
        // With standard error closed there is nobody to tell.
        let _ = stderr.lock().write_all(&page.into_bytes());
    }

    /// Tells a person where less time was given than was asked for.
    pub(crate) fn remark_if_cut(&self, asked: Option<Duration>, until: Option<u64>) {
        if let (Some(asked), Some(until)) = (asked, until)
            && let Some(text) = time::shortfall(asked, until, now())
        {
            self.remark(&text);
        }
    }

    /// Waits for `work`; after a second a person at a terminal sees that it goes on.
    pub(crate) async fn waiting<T>(&self, label: &str, work: impl Future<Output = T>) -> T {
        if self.json || !io::stderr().is_terminal() {
            return work.await;
        }
        progress::show(label, work).await
    }

    /// Ends the line of [`Output::waiting`] where the wait was broken off.
    pub(crate) fn line_over(&self) {
        if !self.json && io::stderr().is_terminal() {
            progress::end();
        }
    }

    /// Whether programs read.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person is there to be asked.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Shows on standard error what a person should see before they answer.
    pub(crate) fn note(&self, value: &impl Show) -> Result<(), Failure> {
        let mut page = page(&io::stderr());
        value.show(&mut page);
        io::stderr().lock().write_all(&page.into_bytes())?;
        Ok(())
    }

    /// Asks a person who is there; nobody else is asked.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        if !self.can_ask() {
            return Ok(true);
        }
        let answer = ask(&format!("{question} Type `yes` to go on."))?;
        Ok(answer == "yes")
    }

    /// Asks a person for a yes; anything else is a no.
    pub(crate) fn agree(&self, question: &str) -> Result<bool, Failure> {
        let answer = ask(&format!("{question} [y/N]:"))?;
        Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
    }
}

/// Tells what is wrong with the arguments, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error, exit: Exit) -> Exit {
    if error.use_stderr() {
        // Clap repeats arguments, and an argument may come from outside.
        let mut page = Page::new(false, None);
        page.lines(&error.render().to_string());
        let _ = io::stderr().lock().write_all(&page.into_bytes());
    } else {
        let _ = error.print();
    }
    exit
}

fn ask(question: &str) -> Result<String, Failure> {
    let mut page = page(&io::stderr());
    page.line(question);
    io::stderr().lock().write_all(&page.into_bytes())?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::local(format!("no answer can be read: {error}")))?;
    Ok(answer.trim().to_owned())
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

fn page(stream: &(impl io::IsTerminal + AsFd)) -> Page {
    Page::new(coloured(stream), width(stream))
}

/// Columns of the terminal that `stream` is, or else of the one that a person types on: what is piped
/// through a program may still be read there.
fn width(stream: &impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).or_else(|_| tcgetwinsize(io::stdin()));
    // A terminal that does not know its size has none.
    match usize::from(size.ok()?.ws_col) {
        0 => Some(COLUMNS),
        columns => Some(columns),
    }
}

/// Colour only where a person looks, and has not said no (<https://no-color.org>).
fn coloured(stream: &impl io::IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// One record of the ledger in words.
pub(crate) use self::record::sentence;
