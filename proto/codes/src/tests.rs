use std::collections::HashSet;

use crate::Code;

#[test]
fn ids_are_unique_and_read_back() {
    let ids: HashSet<_> = Code::ALL.iter().map(|code| code.id()).collect();
    assert_eq!(ids.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(Code::from_id(code.id()).unwrap(), *code);
    }
    assert!(Code::from_id("no_such_code").is_none());
}

#[test]
fn wording_follows_the_house_style() {
    for code in Code::ALL {
        let row = code.row();
        for text in [row.text, row.next_step] {
            assert!(
                !text.ends_with('.'),
                "{}: `{text}` ends with a period",
                row.id
            );
            assert!(
                text.chars().next().unwrap().is_lowercase() || text.starts_with('`'),
                "{}: `{text}` does not begin in lower case",
                row.id
            );
            assert!(
                !text.contains("::"),
                "{}: `{text}` names a Rust path",
                row.id
            );
        }
        assert!(
            (400..600).contains(&row.http),
            "{} is not an HTTP error",
            row.id
        );
    }
}
