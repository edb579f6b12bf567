//! States what a plan promises: people, membership, times, ids and texts.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::date;
use proptest::prelude::*;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::plan::Reading;
use super::{Error, Fate, Kind, Plan, Reason, Source, Step, markdown, read};

const HOUR_MS: i64 = 3_600_000;

fn sample() -> Plan {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/irc"))
        .expect("the sample can be read")
}

fn day(log: &str) -> Plan {
    day_of_bytes(log.as_bytes())
}

fn day_of_bytes(log: &[u8]) -> Plan {
    let mut reading = Reading::new();
    reading.read_day(date(2021, 6, 1), "day", log);
    reading.plan()
}

impl Step {
    fn parts(&self) -> (&'static str, usize, i64, &Source, &str) {
        match self {
            Self::Join { person, at_ms, source } => ("+", *person, *at_ms, source, ""),
            Self::Leave { person, at_ms, source } => ("-", *person, *at_ms, source, ""),
            Self::Message { person, markdown, at_ms, source } => {
                ("", *person, *at_ms, source, markdown)
            }
        }
    }
}

/// `+ann` joins, `-ann` leaves, `ann` speaks.
fn course(plan: &Plan) -> String {
    let word = |step: &Step| format!("{}{}", step.parts().0, plan.people[step.parts().1].username);
    plan.steps.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn texts(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|it| it.parts().4).filter(|it| !it.is_empty()).collect()
}

fn people(plan: &Plan) -> Vec<String> {
    plan.people.iter().map(|it| it.nicks.join(" ")).collect()
}

#[test]
fn every_line_of_the_sample_is_accounted_for() {
    let report = sample().report;
    let kinds = [
        (Kind::Messages, 27),
        (Kind::Actions, 2),
        (Kind::Joins, 10),
        (Kind::Parts, 3),
        (Kind::Quits, 4),
        (Kind::Kicks, 1),
        (Kind::Renames, 5),
        (Kind::Notices, 1),
        (Kind::Service, 2),
        (Kind::Blank, 1),
        (Kind::Skipped, 3),
    ];
    for (kind, lines) in kinds {
        assert_eq!(report.lines_of(kind), lines, "{kind:?}");
    }
    assert_eq!(report.lines, kinds.iter().map(|it| it.1).sum::<u64>());
    assert_eq!(report.files, 3);
    assert_eq!(report.files_ignored, ["README.md"]);
    assert_eq!(report.control_codes, 4);
    assert_eq!(report.joins_implied, 1);
    assert_eq!((report.repeated_hour, report.clock_backward), (3, 1));
    let not_utf8 = report.not_utf8;
    assert_eq!((not_utf8.bytes, not_utf8.lines, not_utf8.files), (1, 1, 1));
    for reason in [Reason::NoTime, Reason::NoSuchTime, Reason::UnknownForm] {
        assert_eq!(report.skipped[&reason].lines, 1, "{reason:?}");
    }
    assert_eq!(report.skipped[&Reason::NoSuchTime].examples[0].source.line, 9);
}

#[test]
fn a_report_is_a_table_and_is_json() {
    let report = sample().report;
    let table = report.to_string();
    assert!(table.starts_with("lines                         59  in 3 files, 1 ignored\n"));
    assert!(table.contains("  joins                       10  join 6, presence 3, lurkers 1\n"));
    let json = serde_json::to_value(&report).expect("a report has string keys");
    assert_eq!(json["kinds"]["messages"]["message_step"], 26);
    assert_eq!(json["skipped"]["no_time"]["examples"][0]["source"]["line"], 1);
}

#[test]
fn the_sample_has_six_people() {
    let plan = sample();
    let expected =
        ["tess", "rowan rowan_", "ivo ivo|away ivolution", "otto", "fern Fern", "gullbot"];
    assert_eq!(people(&plan), expected);
    assert_eq!(plan.report.lurkers, 1);
}

#[test]
fn membership_outlives_a_quit_and_ends_with_a_part() {
    let log = "[10:00:00] *** Joins: ann (~a@ )\n\
               [10:01:00] <ann> one\n\
               [10:02:00] *** Quits: ann (~a@ ) (Quit: bye)\n\
               [10:03:00] *** Joins: ann (~a@ )\n\
               [10:04:00] *** Parts: ann (~a@ ) (why)\n\
               [10:05:00] *** Parts: ann (~a@ )\n\
               [10:06:00] *** Joins: ann (~a@ )\n\
               [10:07:00] *** ann was kicked by bob (no)\n\
               [10:08:00] <ann> two\n";
    let plan = day(log);
    assert_eq!(course(&plan), "+ann ann -ann +ann -ann +ann ann");
    assert_eq!(plan.report.lines_that_became(Fate::NotAMember), 1);
    assert_eq!(plan.report.lines_that_became(Fate::Presence), 1);
    assert_eq!(plan.report.joins_implied, 1);
}

#[test]
fn who_speaks_first_joins_on_the_same_line() {
    let plan = day("[10:00:00] * ann waves\n");
    assert_eq!(course(&plan), "+ann ann");
    let [join, message] = plan.steps.as_slice() else { panic!("two steps") };
    assert_eq!(join.parts().3, message.parts().3);
    assert_ne!(join.client_id(), message.client_id());
}

#[test]
fn who_says_nothing_makes_no_step() {
    let plan = day("[10:00:00] *** Joins: ann (~a@ )\n\
                    [10:01:00] <ann>  \n\
                    [10:02:00] *** ann is now known as bea\n\
                    [10:03:00] *** Parts: bea (~a@ )\n");
    assert_eq!((plan.people.len(), plan.steps.len(), plan.report.lurkers), (0, 0, 1));
    assert_eq!(plan.report.lines_that_became(Fate::Lurker), 3);
    assert_eq!(plan.report.lines_that_became(Fate::Empty), 1);
}

#[test]
fn renames_in_a_row_are_one_person() {
    let plan = day("[10:00:00] *** Joins: ann (~a@ )\n\
                    [10:01:00] *** ann is now known as ann|away\n\
                    [10:02:00] *** ann|away is now known as Bea\n\
                    [10:03:00] <Bea> hello\n\
                    [10:04:00] *** Bea is now known as ann\n");
    assert_eq!(people(&plan), ["ann ann|away Bea"]);
    assert_eq!(plan.people[0].display_name, "Bea");
    assert_eq!(course(&plan), "+bea bea");
}

#[test]
fn people_seen_together_stay_two() {
    let together = "[10:00:00] *** Joins: ann (~a@ )\n\
                    [10:00:00] *** Joins: bob (~b@ )\n\
                    [10:01:00] <ann> hello\n";
    let taken = "[10:03:00] *** Quits: bob (~b@ ) (Ping timeout: 250 seconds)\n\
                 [10:04:00] *** ann is now known as bob\n";
    let spoke = day(&format!("{together}[10:02:00] <bob> hello\n{taken}"));
    assert_eq!(people(&spoke), ["ann", "bob"]);
    assert_eq!(spoke.report.lines_that_became(Fate::KeptApart), 1);
    let long =
        day(&format!("{together}{taken}").replace("[10:03", "[10:23").replace(":04:", ":24:"));
    assert_eq!(people(&long), ["ann"]);
    assert_eq!(long.report.lurkers, 1);
    let ghost = day(&format!("{together}{taken}"));
    assert_eq!(people(&ghost), ["ann bob"]);
}

#[test]
fn a_rename_does_not_join_whom_an_earlier_one_kept_apart() {
    let plan = day("[10:00:00] *** Joins: ann (~a@ )\n\
                    [10:00:00] *** Joins: bob (~b@ )\n\
                    [10:01:00] <ann> hello\n\
                    [10:02:00] <bob> hello\n\
                    [10:03:00] *** ann is now known as cat\n\
                    [10:04:00] *** bob is now known as dan\n\
                    [10:05:00] *** Quits: cat (~a@ ) (Quit: bye)\n\
                    [10:06:00] *** dan is now known as cat\n");
    assert_eq!(people(&plan), ["ann cat", "bob dan"]);
}

#[test]
fn a_tail_alone_is_no_evidence_and_a_ghost_is() {
    let apart = "[10:00:00] *** Joins: ann (~a@ )\n\
                 [10:01:00] <ann> hello\n\
                 [10:02:00] *** Quits: ann (~a@ ) (Quit: bye)\n\
                 [10:03:00] *** Joins: ann_ (~a@ )\n\
                 [10:04:00] <ann_> hello\n";
    assert_eq!(people(&day(apart)), ["ann", "ann_"]);
    let ghost = apart.replace("[10:02", "[10:03").replace("Quit: bye", "Ping timeout: 250 seconds");
    let mut lines: Vec<&str> = ghost.lines().collect();
    lines.swap(2, 3);
    assert_eq!(people(&day(&lines.join("\n"))), ["ann ann_"]);
    let stranger = lines.join("\n").replace("ann_ (~a@", "ann_ (~z@");
    assert_eq!(people(&day(&stranger)), ["ann", "ann_"]);
}

#[test]
fn usernames_are_valid_and_unique() {
    let nicks = ["Ann", "a-n", "a_n", "[0xAA]", "x_", "_moe", "moe", "irc_x_", "a|b|c|d|e|f|g|h|i"];
    let long = "n".repeat(40);
    let line = |nick: &str| format!("[10:00:00] <{nick}> hello\n");
    let log: String = nicks.into_iter().chain([long.as_str()]).map(line).collect();
    let plan = day(&log);
    let names: Vec<&str> = plan.people.iter().map(|it| it.username.as_str()).collect();
    let expected = [
        "ann",
        "a_n",
        "a_n_2",
        "irc_0xaa_",
        "irc_x_",
        "moe",
        "moe_2",
        "irc_x__2",
        "a_b_c_d_e_f_g_h_i",
    ];
    assert_eq!(names[..expected.len()], expected);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        assert!((3..=32).contains(&name.len()), "{name}");
        assert!(name.starts_with(|it: char| it.is_ascii_lowercase()), "{name}");
    }
}

#[test]
fn the_repeated_hour_follows_the_order_of_lines() {
    let plan = sample();
    let night = |line| {
        let file = "2021/10/#harbour_20211031.log.txt";
        let on_line = |it: &&Step| it.parts().3 == &Source { file: file.to_owned(), line };
        plan.steps.iter().rfind(on_line).expect("the line is a step").parts().2
    };
    let two_utc = 1_635_645_600_000;
    assert_eq!(two_utc - night(5), 100 * 60_000, "01:20:00 while it is still summer time");
    assert_eq!(night(6) - night(5), 39 * 60_000 + 30_000);
    assert_eq!(night(7) - night(6), 40_000, "01:00:10 again, forty seconds after 01:59:30");
    assert_eq!(night(8) - night(5), HOUR_MS, "01:20:00 on either pass");
    assert_eq!(night(10) - two_utc, 5 * 60_000);
    assert_eq!(night(11) - night(10), -2000, "a slow clock keeps its own time");
}

#[test]
fn steps_are_in_line_order_and_ids_repeat() {
    let plan = sample();
    let places: Vec<_> =
        plan.steps.iter().map(|it| (it.parts().3.file.clone(), it.parts().3.line)).collect();
    assert!(places.is_sorted());
    assert_eq!(plan, sample());
    let ids: BTreeSet<_> = plan.steps.iter().map(Step::client_id).collect();
    assert_eq!(ids.len(), plan.steps.len());
    for step in &plan.steps {
        let id = step.client_id();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!((id.as_u128() >> 80) as i64, step.parts().2);
    }
    let first = plan.steps[0].client_id().to_string();
    assert_eq!(
        first, "017cd001-7d38-7ea0-b61f-6748b650b3f6",
        "ids of past imports must not change"
    );
}

#[test]
fn a_folder_without_logs_has_no_plan() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/irc");
    assert!(matches!(read(&folder), Err(Error::NoLogs { .. })));
    assert!(matches!(read(&folder.join("absent")), Err(Error::Folder { .. })));
}

#[test]
fn broken_bytes_carriage_returns_and_codes_are_no_text() {
    let plan =
        day_of_bytes(b"[10:00:00] <ann> caf\xe9\x99\r\n[10:00:01] <ann> \x02b\x02 \x033,5c\x0f");
    assert_eq!(texts(&plan), ["caf\u{fffd}", "b c"]);
    assert_eq!((plan.report.not_utf8.bytes, plan.report.control_codes), (2, 4));
}

#[test]
fn markdown_is_escaped_only_where_it_speaks() {
    let cases = [
        (
            "snake_case and 2 * 3 <3 a-b #1 1.5 C# & co",
            "snake_case and 2 * 3 <3 a-b #1 1.5 C# & co",
        ),
        ("*bold* _it_ `c` [a](b)", r"\*bold\* \_it\_ \`c\` \[a](b)"),
        ("# head", r"\# head"),
        ("> quote", r"\> quote"),
        ("- list", r"\- list"),
        ("12. list", r"12\. list"),
        ("  lead", "&#32; lead"),
        ("<b> &amp; ~~x~~ ||y|| \\o/", r"\<b> \&amp; \~\~x\~\~ \|\|y\|\| \\o/"),
        ("see https://a.example/b_c/~d?e=f&g, ok", "see https://a.example/b_c/~d?e=f&g, ok"),
        ("(https://a.example/_x_y).", "(<https://a.example/_x_y>)."),
    ];
    for (typed, expected) in cases {
        assert_eq!(markdown::literal(typed), expected);
    }
    assert_eq!(markdown::emphasised("sees *stars*"), r"*sees \*stars\**");
}

/// What a reader sees of Markdown that must hold nothing but text and bare URLs.
fn shown(markdown: &str, options: Options) -> (String, usize) {
    let (mut text, mut runs) = (String::new(), 0);
    for event in Parser::new_ext(markdown, options) {
        let allowed = matches!(
            event,
            Event::Text(_)
                | Event::Start(Tag::Paragraph | Tag::Emphasis)
                | Event::Start(Tag::Link { link_type: LinkType::Autolink, .. })
                | Event::End(TagEnd::Paragraph | TagEnd::Emphasis | TagEnd::Link)
        );
        assert!(allowed, "{markdown:?} became {event:?}");
        runs += usize::from(event == Event::Start(Tag::Emphasis));
        if let Event::Text(part) = event {
            text.push_str(&part);
        }
    }
    (text, runs)
}

const SIGNS: &[&str] = &[
    "*", "**", "_", "__", "`", "```", "~", "~~", "~~~", "|", "||", "[a](b)", "[a]: ", "[^1]",
    "[ ] ", "![", "]", "<b>", "</b>", "<!--", "<?", "<a@b.c>", "<3", ">", "> ", "# ", "#", "- ",
    "+ ", "* ", "---", "1. ", "1)", "&amp;", "&#35;", "&", ";", "\\", " ", "  ", "    ", "\t", "a",
    "b c", "é", "\u{a0}", "\\*", "\u{3}4,5", "\u{2}", "\u{1f}", "=", "$", "^", ":", "http://",
];

const URLS: &[&str] = &[
    "https://x.y/_z_",
    "http://x.y/*",
    "http://a_b/c&copy;d",
    "(https://x.y/(a)_b)",
    "ftp://a~b~c",
    "www.a_b_.c",
    "<https://a_>",
    "https://x/`",
    "https://x/[a](b)",
    "https://x/\\_",
];

fn typed() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => prop::sample::select(SIGNS).prop_map(str::to_owned),
        1 => prop::sample::select(URLS).prop_map(str::to_owned),
        2 => "[ -~]{1,4}",
        1 => "\\PC{1,3}",
        1 => "[a-z0-9 ]{1,5}",
    ];
    prop::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn markdown_shows_what_was_typed(typed in typed()) {
        let (plain, _) = markdown::without_codes(&typed);
        if plain.is_empty() {
            return Ok(());
        }
        let github = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_GFM
            | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
        for options in [Options::empty(), github] {
            prop_assert_eq!(shown(&markdown::literal(&plain), options), (plain.clone(), 0));
            prop_assert_eq!(shown(&markdown::emphasised(&plain), options), (plain.clone(), 1));
        }
    }
}
