//! Questions and answers, from both sides.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    doors::decisions::{STANDING, question},
    run::run,
    stub::{QUESTION, Script, Stub},
};

fn stub_with(approvals: Vec<valetkey_sdk::wire::developer::Approval>) -> Stub {
    let script = Script::default();
    script.approvals.send_replace(approvals);
    Stub::with(script)
}

#[test]
fn a_request_that_needs_a_person_says_which_question() {
    let stub = Stub::with(Script {
        asks: true,
        ..Script::default()
    });
    let refused = stub.agent("token demo-api --scope api:write");
    assert_eq!((refused.status, refused.stdout.as_str()), (4, ""));
    assert!(
        refused
            .stderr
            .starts_with("valetkey: this request waits for an approval\nnext: "),
        "{refused:?}"
    );
    assert!(
        refused
            .stderr
            .contains(&format!("\napproval: {QUESTION}\n")),
        "{refused:?}"
    );
    let json = stub.agent("token demo-api --scope api:write --json");
    let told: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(told["error"], "approval_pending");
    assert_eq!(told["approval"], QUESTION);
}

/// An agent that waits for an answer.
fn waiting(stub: &Stub, arguments: &str) -> Child {
    let child = stub
        .agent_command(arguments.split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    stub.until_it_waits();
    child
}

#[test]
fn an_agent_waits_and_gets_its_token() {
    let stub = Stub::with(Script {
        asks: true,
        ..Script::default()
    });
    let child = waiting(&stub, "token demo-api --scope api:write --wait 2m");
    assert!(stub.last().contains("wait_seconds: Some(120)"));
    stub.script.answered.notify_one();
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(0));
    assert_eq!(outcome.stdout, b"ey.demo-api\n");
    assert_eq!(outcome.stderr, b"", "there is nobody who looks");
}

#[test]
fn a_wait_that_is_broken_off_takes_the_question_back() {
    for signal in [Signal::INT, Signal::TERM] {
        let stub = Stub::with(Script {
            asks: true,
            ..Script::default()
        });
        let child = waiting(&stub, "token demo-api --wait 2m");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let outcome = child.wait_with_output().unwrap();
        assert_eq!(outcome.status.code(), Some(4), "{outcome:?}");
        assert_eq!(
            stub.last(),
            format!("WithdrawApprovalRequest {{ approval: \"{QUESTION}\" }}")
        );
    }
}

#[test]
fn an_agent_withdraws_a_question() {
    let stub = Stub::start();
    let outcome = stub.agent(&format!("approvals withdraw {QUESTION}")).ok();
    assert_eq!(
        outcome.stdout,
        format!("Question {QUESTION} is taken back.\n")
    );
    let json = stub.agent("approvals withdraw x --json").ok().json();
    assert_eq!(json["withdrawn"], true);
}

#[test]
fn questions_stand_first_in_the_list() {
    let stub = Stub::start();
    for arguments in ["approvals", "approvals list"] {
        let listed = stub.owner(arguments).ok().stdout;
        let lines: Vec<_> = listed.lines().collect();
        assert!(lines[0].starts_with("id        state"), "{listed}");
        assert!(lines[1].starts_with("aaaa0001  open "), "{listed}");
        assert!(lines[2].starts_with("bbbb0002  yes "), "{listed}");
    }
    stub.owner("approvals --account boss").ok();
    assert_eq!(stub.last(), "approvals of boss");
    let json = stub
        .owner("approvals list --json --account boss")
        .ok()
        .json();
    assert_eq!(json["approvals"][0]["id"], QUESTION);
    assert_eq!(json["approvals"][0]["opinion"]["risk"], "high");
    assert_eq!(json["approvals"][1]["idle_seconds"], 1800);
}

#[test]
fn a_yes_names_the_digest_of_what_was_shown() {
    for (reach, heard, shown) in [
        ("--once", "Once(true)", "one token"),
        ("--session", "Session(true)", "until its session ends in "),
        ("--for 30m", "ForSeconds(1800)", "for 30m at most"),
    ] {
        let stub = Stub::start();
        let outcome = stub
            .owner(&format!(
                "approvals approve aa0001 {reach} --account boss --yes"
            ))
            .ok();
        assert_eq!(
            stub.last(),
            format!(
                "AnswerApprovalRequest {{ account: \"boss\", id: \"{QUESTION}\", \
                 digest: \"digest-of-{QUESTION}\", answer: Some({heard}) }}"
            )
        );
        assert!(outcome.stdout.starts_with("Granted"), "{outcome:?}");
        for fact in [
            shown,
            "word (sub-1 at https://idp.test)",
            "coder (session s-1)",
            "demo-api",
            "api:write word",
            "https://api.test",
            "each token 10m at most",
            "escalate, risk high: \"it says word\" (word)",
            "\"/w/word\"",
            "\"because word\" (the agent's own words, unchecked)",
        ] {
            assert!(outcome.stderr.contains(fact), "{fact}: {outcome:?}");
        }
    }
}

#[test]
fn a_yes_says_until_when_it_is_good() {
    let of_network = valetkey_sdk::wire::developer::Approval {
        credential: "network".to_owned(),
        scopes: vec!["connect".to_owned()],
        ..question(QUESTION, "word")
    };
    let stub = stub_with(vec![of_network]);
    let once = stub.owner("approvals approve aaaa0001 --once --yes").ok();
    assert!(
        once.stdout
            .starts_with("Granted for this address, for 10m, if it is used before "),
        "{once:?}"
    );
}

#[test]
fn an_answer_as_json_is_the_approval_and_nothing_else() {
    let stub = Stub::start();
    let outcome = stub
        .owner("approvals approve aaaa0001 --once --yes --json")
        .ok();
    assert_eq!(outcome.json()["state"], "granted");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn what_an_agent_says_stands_below_all_facts_and_in_its_place() {
    let padded = |forged: &str| format!("harmless{}{forged}", " ".repeat(58));
    let forged = valetkey_sdk::wire::developer::Approval {
        reason: Some(padded("scopes        api:read")),
        workspace: Some(padded("a yes is for  nothing")),
        ..question(QUESTION, "word")
    };
    let stub = stub_with(vec![forged]);
    let card = stub.owner("approvals approve aaaa0001 --once --yes").ok();
    let names: Vec<_> = card
        .stderr
        .lines()
        .filter_map(|line| line.split("  ").next())
        .collect();
    assert_eq!(
        names,
        [
            "approval",
            "state",
            "who",
            "agent",
            "credential",
            "scopes",
            "audience",
            "lifetime",
            "tier",
            "a yes is for",
            "reviewer",
            "workspace",
            "it says",
        ],
        "{card:?}"
    );
    for quoted in [
        "\"harmless a yes is for nothing\"",
        "\"harmless scopes api:read\" (the agent's own words, unchecked)",
    ] {
        assert!(card.stderr.contains(quoted), "{card:?}");
    }
}

#[test]
fn where_nobody_can_be_asked_a_yes_is_given_beforehand() {
    let stub = Stub::start();
    for json in ["", " --json"] {
        let refused = stub.owner(&format!("approvals approve aaaa0001 --once{json}"));
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""));
        assert!(refused.stderr.contains("pass `--yes`"), "{refused:?}");
    }
    assert!(stub.heard().is_empty());
    // A no takes away, and needs none.
    stub.owner("approvals deny aaaa0001").ok();
}

#[test]
fn the_list_tells_who_may_answer() {
    let other = QUESTION.replace("aaaa", "cccc");
    let theirs = valetkey_sdk::wire::developer::Approval {
        may_answer: false,
        ..question(&other, "word")
    };
    let standing = crate::doors::decisions::standing(STANDING, "word");
    let stub = stub_with(vec![question(QUESTION, "word"), theirs, standing]);
    let listed = stub.owner("approvals").ok().stdout;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    let column = lines[0].find("you may answer").unwrap();
    for (line, may) in lines[1..].iter().zip(["yes ", "no ", "- "]) {
        assert_eq!(line.find(&format!("  {may}")), Some(column - 2), "{listed}");
    }
}

#[test]
fn a_question_is_answered_and_not_forgotten() {
    let stub = Stub::start();
    let refused = stub.owner("approvals forget aaaa0001");
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("next: answer it with `valetkey approvals deny aaaa0001`"),
        "{refused:?}"
    );
    assert!(!stub.last().starts_with("TakeBack"));
}

#[test]
fn a_no_may_end_the_session() {
    for (flags, heard) in [("", "Deny(true)"), (" --end-session", "DenyAndEnd(true)")] {
        let stub = Stub::start();
        let outcome = stub.owner(&format!("approvals deny aaaa0001{flags}")).ok();
        assert!(stub.last().ends_with(&format!("Some({heard}) }}")));
        assert!(
            outcome.stdout.starts_with("Refused: `demo-api`"),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_yes_that_stands_is_forgotten() {
    let stub = Stub::start();
    let outcome = stub.owner("approvals forget bbbb0002").ok();
    assert_eq!(
        outcome.stdout,
        format!("Approval {STANDING} is taken back.\n")
    );
    assert_eq!(
        stub.last(),
        format!("TakeBackApprovalRequest {{ account: \"default\", id: \"{STANDING}\" }}")
    );
}

#[test]
fn what_is_settled_unclear_or_unknown_is_not_answered() {
    let twin = QUESTION.replace("019a", "019b");
    let stub = stub_with(vec![
        question(QUESTION, "word"),
        question(&twin, "word"),
        crate::doors::decisions::standing(STANDING, "word"),
    ]);
    for (id, status, words) in [
        ("bbbb0002", 4, "settled already"),
        ("aaaa0001", 2, "several approvals"),
        ("cccc0003", 2, "there is no approval `cccc0003`"),
        ("0001", 2, "at least 6 digits"),
    ] {
        for answer in [
            format!("approvals approve {id} --once --yes"),
            format!("approvals deny {id}"),
        ] {
            let refused = stub.owner(&answer);
            assert_eq!(refused.status, status, "{refused:?}");
            assert!(refused.stderr.contains(words), "{refused:?}");
        }
    }
    assert!(
        stub.heard().iter().all(|call| !call.starts_with("Answer")),
        "nothing was answered"
    );
}

#[test]
fn a_reach_has_to_be_named() {
    let stub = Stub::start();
    let refused = stub.owner("approvals approve aaaa0001");
    assert_eq!(refused.status, 2);
    for flag in ["--once", "--session", "--for"] {
        assert!(refused.stderr.contains(flag), "{refused:?}");
    }
    let both = stub.owner("approvals approve aaaa0001 --once --session");
    assert_eq!(both.status, 2);
    assert!(stub.heard().is_empty());
}

#[test]
fn a_watch_without_a_terminal_prints_a_line_for_every_change() {
    for json in ["", " --json"] {
        let script = Script {
            live: true,
            ..Script::default()
        };
        let stub = Stub::with(script);
        let arguments = format!("approvals watch{json}");
        let mut child = stub
            .owner_command(arguments.split(' '))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || lines.next().unwrap().unwrap();
        let (first, second) = (next(), next());
        stub.owner("approvals deny aaaa0001").ok();
        let changed = next();
        stub.script.approvals.send_replace(Vec::new());
        let gone = [next(), next()];
        child.kill().unwrap();
        child.wait().unwrap();
        if json.is_empty() {
            assert!(first.starts_with("bbbb0002  yes  `demo-api`"), "{first}");
            assert!(second.starts_with("aaaa0001  open  `demo-api`"), "{second}");
            assert!(changed.starts_with("aaaa0001  refused  "), "{changed}");
            assert!(gone[0].starts_with("aaaa0001  gone  "), "{gone:?}");
        } else {
            let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
            assert_eq!(read(&second)["change"], "new");
            assert_eq!(read(&second)["approval"]["id"], QUESTION);
            assert_eq!(read(&changed)["change"], "changed");
            assert_eq!(read(&changed)["approval"]["state"], "refused");
            assert_eq!(read(&gone[1])["change"], "gone");
        }
    }
}

#[test]
fn a_watch_ends_with_the_broker() {
    let stub = Stub::start();
    let ended = run(&mut stub.owner_command(["approvals", "watch"]), b"");
    assert_eq!(ended.status, 7, "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 2, "{ended:?}");
}
