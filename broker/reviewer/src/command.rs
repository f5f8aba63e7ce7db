//! A reviewer that is a program of this machine.

use std::{
    convert::Infallible,
    future::pending,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    time,
};
use valetkey_core::{
    Opinion,
    ports::{Answer, ReviewCase, ReviewError, Reviewer},
    text::printable,
};

use crate::{
    case,
    config::{CommandConfig, ConfigError},
    process::Process,
    trusted::trusted,
    verdict::{self, ANSWER_LIMIT, nonsense, too_long},
};

/// Most of its error output that is kept, in bytes.
const COMPLAINT: usize = 4096;
/// Longest error output of a program that is let go on, in bytes.
const COMPLAINTS: usize = 1 << 20;

/// Runs a program once for each question: the case on its standard input, a verdict on its standard
/// output, and an exit status of 0. It runs in `/`, with `PATH`, `HOME=/nonexistent` and `LANG` and no
/// other variable, in a process group of its own that is killed when it ends, at the deadline, and when
/// the question is dropped. Its error output goes to the log, at the level `debug`.
///
/// It runs as the user of the broker and is as trusted as the broker itself. Who may write to it is
/// checked each time.
pub struct CommandReviewer {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    deadline: Duration,
}

impl CommandReviewer {
    /// Makes one; runs nothing yet.
    ///
    /// # Errors
    /// [`ConfigError::Command`].
    pub fn new(config: CommandConfig) -> Result<Self, ConfigError> {
        let mut command = config.command.into_iter();
        let program = command
            .next()
            .ok_or_else(|| ConfigError::Command("it names no program".to_owned()))?;
        trusted(Path::new(&program)).map_err(ConfigError::Command)?;
        Ok(Self {
            name: config.name,
            program: program.into(),
            arguments: command.collect(),
            deadline: config.deadline,
        })
    }

    async fn ask(&self, case: &ReviewCase<'_>) -> Result<Opinion, ReviewError> {
        let case = case::write(case)?;
        let program = trusted(&self.program).map_err(ReviewError::Unavailable)?;
        let called = self.program.to_string_lossy();
        let process = Process::start(&program, &called, &self.arguments).map_err(broken)?;
        let mut complaint = Vec::with_capacity(COMPLAINT);
        let spoken = time::timeout(self.deadline, converse(process, &case, &mut complaint)).await;
        if !complaint.is_empty() {
            let text = printable(&String::from_utf8_lossy(&complaint), COMPLAINT);
            tracing::debug!(reviewer = self.name, text, "the reviewer's error output");
        }
        let slow = ReviewError::Slow(self.deadline.as_secs());
        let (answer, status) = spoken.unwrap_or(Err(slow))?;
        if !status.success() {
            return Err(nonsense(format!("the command ended with {status}")));
        }
        verdict::read(&answer, &self.name, None)
    }
}

impl Reviewer for CommandReviewer {
    fn name(&self) -> &str {
        &self.name
    }

    fn review<'a>(&'a self, case: &'a ReviewCase<'a>) -> Answer<'a, Result<Opinion, ReviewError>> {
        Box::pin(self.ask(case))
    }
}

/// Tells the program the case, and gives back what it says and how it ends.
async fn converse(
    process: Process,
    case: &[u8],
    complaint: &mut Vec<u8>,
) -> Result<(Vec<u8>, ExitStatus), ReviewError> {
    let Process {
        mut stdin,
        stdout,
        stderr,
        life,
    } = process;
    let told = async {
        // A program that does not want to know has closed its input, and may answer all the same.
        let _ = stdin.write_all(case).await;
        drop(stdin);
    };
    let aside = async {
        match tokio::join!(told, swallow(stderr, complaint)).1 {
            Ok(()) => match pending::<Infallible>().await {},
            Err(flooded) => flooded,
        }
    };
    let said = async {
        let answer = all_of(stdout).await?;
        Ok((answer, life.end().await.map_err(broken)?))
    };
    tokio::select! {
        biased;
        flooded = aside => Err(flooded),
        said = said => said,
    }
}

/// Keeps the beginning of what it complains about and swallows the rest, or it would wait. What never
/// ends would cost as much as an answer that never does.
async fn swallow(
    mut stderr: impl AsyncRead + Unpin,
    complaint: &mut Vec<u8>,
) -> Result<(), ReviewError> {
    let (mut piece, mut heard) = ([0; 1024], 0_usize);
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let room = COMPLAINT.saturating_sub(complaint.len());
        complaint.extend(piece.iter().take(length.min(room)));
        heard = heard.saturating_add(length);
        if heard > COMPLAINTS {
            return Err(nonsense("its error output has no end".to_owned()));
        }
    }
    Ok(())
}

/// Everything up to the end, which comes within the limit or not at all.
async fn all_of(stdout: impl AsyncRead + Unpin) -> Result<Vec<u8>, ReviewError> {
    let mut answer = Vec::new();
    let limit = ANSWER_LIMIT as u64 + 1;
    stdout
        .take(limit)
        .read_to_end(&mut answer)
        .await
        .map_err(broken)?;
    if answer.len() > ANSWER_LIMIT {
        return Err(too_long());
    }
    Ok(answer)
}

fn broken(error: std::io::Error) -> ReviewError {
    ReviewError::Unavailable(printable(&format!("the command: {error}"), 220))
}
