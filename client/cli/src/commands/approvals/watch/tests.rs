//! The live view, key by key and screen by screen.

use ratatui::{
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Rect, Size},
};
use valetkey_sdk::wire::developer as dev;

use super::{
    super::view::Approval,
    draw::{self, draw},
    keys::{Wish, press},
    state::{Deed, Order, State},
};

const NOW: u64 = 1_000_000;

fn question(number: u64) -> dev::Approval {
    dev::Approval {
        id: format!("019a9f00-0000-7000-8000-{number:012}"),
        session: "s-1".to_owned(),
        user: Some(dev::User {
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: "ada".to_owned(),
            groups: Vec::new(),
        }),
        agent: "coder".to_owned(),
        workspace: Some("/w".to_owned()),
        credential: "demo-api".to_owned(),
        scopes: vec![format!("scope-{number}")],
        audience: "https://api.test".to_owned(),
        lifetime_seconds: 600,
        reason: Some("to see".to_owned()),
        tier: "human".to_owned(),
        policies: vec!["baseline.write".to_owned()],
        digest: format!("digest-{number}"),
        asked_at: number,
        expires_at: NOW + 600,
        state: "open".to_owned(),
        may_answer: true,
        ..dev::Approval::default()
    }
}

fn granted(number: u64) -> dev::Approval {
    dev::Approval {
        state: "granted".to_owned(),
        granted_until: Some(NOW + 60),
        ..question(number)
    }
}

fn state(rows: impl IntoIterator<Item = dev::Approval>) -> State {
    let mut state = State::new("default".to_owned(), NOW, Size::new(80, 24));
    update(&mut state, rows);
    state
}

fn update(state: &mut State, rows: impl IntoIterator<Item = dev::Approval>) {
    state.update(rows.into_iter().map(Approval::from).collect());
}

/// The screen, line by line.
fn screen(state: &State) -> Vec<String> {
    let area = Rect::new(0, 0, state.size.width, state.size.height);
    let mut buffer = Buffer::empty(area);
    draw(state, area, &mut buffer);
    area.rows()
        .map(|row| {
            let cells = row.columns().map(|cell| {
                let symbol = buffer[(cell.x, cell.y)].symbol();
                assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
                symbol.to_owned()
            });
            cells.collect::<String>().trim_end().to_owned()
        })
        .collect()
}

fn key(state: &mut State, code: KeyCode) -> Option<Wish> {
    press(state, KeyEvent::from(code))
}

fn typed(state: &mut State, keys: &str) -> Option<Wish> {
    let mut last = None;
    for c in keys.chars() {
        last = key(state, KeyCode::Char(c));
    }
    last
}

fn sent(wish: Option<Wish>) -> Order {
    match wish {
        Some(Wish::Do(order)) => order,
        other => panic!("nothing is sent: {other:?}"),
    }
}

fn note(state: &State) -> &str {
    state.note.as_ref().map_or("", |(_, text)| text)
}

#[test]
fn everything_that_is_granted_is_on_the_screen() {
    let shown = screen(&state([question(1), question(2), granted(3)]));
    assert_eq!(shown.len(), 24);
    assert_eq!(
        shown[0],
        "Approvals of account default: 2 open, 1 granted  live"
    );
    assert_eq!(
        shown[1],
        "> 00000001 open          10m     coder        demo-api: scope-1"
    );
    assert_eq!(
        shown[3],
        "  00000003 yes           1m      coder        demo-api: scope-3"
    );
    let all = shown.join("\n");
    for fact in [
        "ada (sub-1 at https://idp.test)",
        "coder (session s-1)",
        "credential  demo-api",
        "scopes      scope-1",
        "audience    https://api.test",
        "lifetime    each token 10m at most",
        "tier        human, asked for by baseline.write",
        "it says     \"to see\" (the agent's own words, unchecked)",
    ] {
        assert!(all.contains(fact), "{fact}: {all}");
    }
    assert!(shown[23].ends_with("q quit"), "{all}");
    assert!(!all.contains("page down"), "all of it is there: {all}");
}

#[test]
fn an_answer_waits_for_a_yes_that_names_what_it_is() {
    for (answer, deed) in [
        ('o', Deed::Once),
        ('s', Deed::Session),
        ('3', Deed::For(1800)),
        ('d', Deed::Deny),
        ('x', Deed::DenyAndEnd),
    ] {
        let mut state = state([question(1), question(2)]);
        assert_eq!(typed(&mut state, &format!("j{answer}")), None);
        let shown = screen(&state).join("\n");
        assert!(
            shown.contains("`demo-api` (scope-2) for agent `coder` of ada"),
            "{shown}"
        );
        assert!(shown.contains("Press y to confirm"), "{shown}");
        let order = sent(typed(&mut state, "y"));
        assert_eq!(
            (order.deed, order.digest.as_str()),
            (deed, "digest-2"),
            "{answer}"
        );
        assert!(state.order.is_none());
        // Once is enough.
        assert_eq!(typed(&mut state, "y"), None);
    }
}

#[test]
fn any_other_key_leaves_it() {
    for other in ["n", "o", "q", "r", " ", "Y", "j"] {
        let mut state = state([question(1), question(2)]);
        assert_eq!(typed(&mut state, &format!("o{other}y")), None, "{other}");
        assert!(state.sent.is_none());
    }
}

#[test]
fn an_answer_means_what_was_shown_though_the_list_moves() {
    let mut state = state([question(5), question(6)]);
    assert_eq!(typed(&mut state, "jo"), None);
    update(
        &mut state,
        [question(1), question(6), question(5), question(2)],
    );
    assert_eq!(state.current().unwrap().digest, "digest-6");
    assert!(
        screen(&state)[4].starts_with("> 00000006"),
        "{:?}",
        screen(&state)
    );
    assert_eq!(sent(typed(&mut state, "y")).digest, "digest-6");
}

#[test]
fn a_question_that_changes_or_goes_takes_its_answer_along() {
    let changed = dev::Approval {
        digest: "other".to_owned(),
        ..question(1)
    };
    for now in [
        vec![changed, question(2)],
        vec![granted(1)],
        vec![question(2)],
    ] {
        let mut state = state([question(1), question(2)]);
        typed(&mut state, "o");
        update(&mut state, now);
        assert!(note(&state).contains("has changed meanwhile"));
        assert_eq!(typed(&mut state, "y"), None);
    }
}

#[test]
fn where_the_selected_one_has_gone_nothing_is_selected_until_somebody_chooses() {
    let mut state = state([question(1), question(2)]);
    update(&mut state, [question(2)]);
    assert_eq!(typed(&mut state, "oy"), None);
    assert!(note(&state).contains("choose one first"));
    update(&mut state, [question(2), question(3)]);
    assert_eq!(typed(&mut state, "oy"), None);
    assert!(
        screen(&state)
            .join("\n")
            .contains("is gone. Choose another")
    );
    assert_eq!(sent(typed(&mut state, "joy")).digest, "digest-2");
}

#[test]
fn after_an_answer_the_next_question_is_selected() {
    // The list may tell of it before the answer's own reply does, or after.
    for list_first in [true, false] {
        let mut state = state([question(1), question(2), question(3)]);
        typed(&mut state, "joy");
        let after = [question(1), granted(2), question(3)];
        if list_first {
            update(&mut state, after.clone());
        }
        assert_eq!(typed(&mut state, "o"), None);
        assert!(note(&state).contains("still on its way"));
        state.done(Ok(()));
        update(&mut state, after);
        assert_eq!(state.current().unwrap().digest, "digest-3");
        assert!(note(&state).starts_with("granted once: `demo-api` (scope-2)"));
    }
    // A denied one is gone from the list.
    let mut state = state([question(1), question(2)]);
    typed(&mut state, "dy");
    update(&mut state, [question(2)]);
    state.done(Ok(()));
    assert_eq!(state.current().unwrap().digest, "digest-2");
}

#[test]
fn what_the_broker_refuses_is_said_and_stays_selected() {
    let mut state = state([question(1), question(2)]);
    typed(&mut state, "oy");
    state.done(Err("that approval is settled already".to_owned()));
    let shown = screen(&state).join("\n");
    assert!(
        shown.contains("that approval is settled already"),
        "{shown}"
    );
    assert_eq!(state.current().unwrap().digest, "digest-1");
}

#[test]
fn questions_are_answered_and_answers_forgotten() {
    let mut state = state([question(1), granted(2)]);
    assert_eq!(typed(&mut state, "fy"), None);
    assert!(note(&state).contains("only a yes that stands"));
    assert_eq!(typed(&mut state, "joy"), None);
    assert!(note(&state).contains("answered already"));
    let order = sent(typed(&mut state, "fy"));
    assert_eq!((order.deed, order.deed.answer()), (Deed::Forget, None));
}

#[test]
fn what_has_not_been_read_is_not_granted() {
    let long = dev::Approval {
        scopes: (0..120).map(|number| format!("repo:{number}")).collect(),
        ..question(1)
    };
    let mut state = state([long]);
    assert!(screen(&state).join("\n").contains("more below, page down"));
    assert_eq!(typed(&mut state, "oy"), None);
    assert!(note(&state).contains("more to read first"));
    // What takes away needs no reading.
    assert_eq!(sent(typed(&mut state, "dy")).deed, Deed::Deny);
    state.done(Err(String::new()));
    let mut read = screen(&state).join("\n");
    for _ in 0..10 {
        key(&mut state, KeyCode::PageDown);
        read.push_str(&screen(&state).join("\n"));
    }
    for number in 0..120 {
        assert!(read.contains(&format!("repo:{number}")), "{number}");
    }
    assert_eq!(sent(typed(&mut state, "oy")).deed, Deed::Once);
}

#[test]
fn two_hundred_questions_are_walked_through() {
    let mut state = state((0..200).map(question));
    for number in 0..200 {
        let shown = screen(&state);
        let selected: Vec<_> = shown.iter().filter(|line| line.starts_with('>')).collect();
        assert_eq!(selected.len(), 1, "{shown:?}");
        assert!(selected[0].contains(&format!("{number:08}")), "{shown:?}");
        assert!(
            shown
                .iter()
                .any(|line| line.ends_with(&format!("scopes      scope-{number}")))
        );
        typed(&mut state, "j");
    }
    typed(&mut state, "g");
    assert_eq!(state.position(), Some(0));
    typed(&mut state, "k");
    assert_eq!(state.position(), Some(0));
    typed(&mut state, "G");
    assert_eq!(state.position(), Some(199));
}

#[test]
fn hostile_and_wide_words_stay_in_their_place() {
    let word = "x\u{1b}[2J\n\r\t\u{9b}31m\u{202e}日本語";
    let hostile = dev::Approval {
        agent: word.to_owned(),
        workspace: Some(word.repeat(20)),
        credential: word.to_owned(),
        scopes: vec![word.to_owned()],
        reason: Some(format!(
            "{}credential  harmless",
            "\nagent       trusted\u{2028}日".repeat(30)
        )),
        opinion: Some(dev::Opinion {
            finding: word.to_owned(),
            risk: Some(word.to_owned()),
            rationale: word.repeat(9),
            reviewer: word.to_owned(),
        }),
        user: None,
        ..question(1)
    };
    let mut state = state([hostile]);
    for width in [40, 41, 80, 200] {
        state.size = Size::new(width, 60);
        state.scrolled = 0;
        let shown = screen(&state);
        let all = shown.join("\n");
        assert!(!all.contains(['\u{202e}', '\u{2028}']), "{all}");
        // Only one line begins as the credential's does: no word of the agent's can.
        let poses = shown
            .iter()
            .filter(|line| line.starts_with("credential"))
            .count();
        assert_eq!(poses, 1, "{all}");
    }
}

#[test]
fn every_size_is_drawn_and_on_the_smallest_nothing_is_answered() {
    let mut state = state((0..3).map(question));
    for height in 0..40 {
        for width in [0, 1, 39, 40, 80] {
            state.size = Size::new(width, height);
            screen(&state);
            draw::hidden(&state);
        }
    }
    state.size = Size::new(39, 24);
    assert_eq!(typed(&mut state, "oy"), None);
    assert!(screen(&state)[0].contains("40 x 12 is needed"));
    assert_eq!(typed(&mut state, "q"), Some(Wish::Quit));
    // Made small between question and answer.
    state.size = Size::new(80, 24);
    typed(&mut state, "o");
    state.size = Size::new(10, 2);
    assert_eq!(typed(&mut state, "y"), None);
    state.size = Size::new(80, 24);
    assert_eq!(typed(&mut state, "y"), None);
}

#[test]
fn a_lost_broker_is_shown_and_answers_wait() {
    let mut state = state([question(1)]);
    typed(&mut state, "o");
    state.disconnect("the broker has ended the connection");
    let shown = screen(&state);
    assert!(shown[0].ends_with("not connected"), "{shown:?}");
    assert!(shown.join("\n").contains("trying again"), "{shown:?}");
    assert_eq!(typed(&mut state, "y"), None);
    update(&mut state, [question(1)]);
    assert!(screen(&state)[0].ends_with("live"));
}

#[test]
fn nothing_to_answer_is_said() {
    let mut state = state([]);
    let shown = screen(&state).join("\n");
    assert!(shown.contains("Nothing waits for an approval"), "{shown}");
    assert_eq!(typed(&mut state, "oyfyjk"), None);
    update(&mut state, [question(1)]);
    assert_eq!(state.position(), Some(0));
}

#[test]
fn keys_end_and_refresh() {
    let mut state = state([question(1)]);
    assert_eq!(typed(&mut state, "q"), Some(Wish::Quit));
    assert_eq!(typed(&mut state, "r"), Some(Wish::Refresh));
    assert_eq!(key(&mut state, KeyCode::Esc), Some(Wish::Quit));
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    assert_eq!(press(&mut state, control('c')), Some(Wish::Quit));
    // A control key is no answer.
    assert_eq!(press(&mut state, control('o')), None);
    assert!(state.order.is_none());
    let release = KeyEvent::new_with_kind(
        KeyCode::Char('o'),
        KeyModifiers::NONE,
        KeyEventKind::Release,
    );
    assert_eq!(press(&mut state, release), None);
    assert!(state.order.is_none());
}
