//! The law of what can be asked: each limit is kept, and one past it is refused.

use super::tests::{ask, loose, lunch};
use super::*;
use crate::kernel::Timestamp;
use crate::kernel::testing::{NOW, account};

const ANN: u8 = 1;

#[test]
fn a_poll_has_2_to_12_options_of_100_characters_and_a_question_of_255() {
    let (world, id) = lunch(&[]);
    let with = |question: String, options: Vec<String>| SendPoll {
        question,
        options,
        ..ask(id, PollRules::default())
    };
    let many = |count: usize, chars: usize| vec!["é".repeat(chars); count];
    let longest = || "é".repeat(QUESTION_CHARS_MAX);
    let options = PollRejection::OptionsInvalid;
    let question = PollRejection::QuestionInvalid;
    let world = world
        .when(account(ANN), with(longest(), many(OPTIONS_MAX, OPTION_CHARS_MAX)))
        .then_allowed()
        .when(account(ANN), with("?".to_owned(), many(OPTIONS_MIN, 1)))
        .then_allowed()
        .when(account(ANN), with(longest(), many(OPTIONS_MAX + 1, 1)))
        .then_rejected(options)
        .when(account(ANN), with(longest(), many(OPTIONS_MIN - 1, 1)))
        .then_rejected(options)
        .when(account(ANN), with(longest(), many(2, OPTION_CHARS_MAX + 1)))
        .then_rejected(options)
        .when(account(ANN), with(longest(), vec!["a".to_owned(), " ".to_owned()]))
        .then_rejected(options)
        .when(account(ANN), with(longest() + "é", many(2, 1)))
        .then_rejected(question);
    ["", " ", "a\nb"].into_iter().fold(world, |world, it| {
        world.when(account(ANN), with(it.to_owned(), many(2, 1))).then_rejected(question)
    });
}

#[test]
fn a_quiz_has_one_correct_option_and_takes_one_answer() {
    let (world, id) = lunch(&[]);
    let quiz = |correct| PollRules { correct_option: Some(correct), ..PollRules::default() };
    let bad = [
        quiz(3),
        quiz(-1),
        PollRules { multiple: true, ..quiz(0) },
        PollRules { revotable: true, ..quiz(0) },
    ];
    let world = bad.into_iter().fold(world, |world, it| {
        world.when(account(ANN), ask(id, it)).then_rejected(PollRejection::QuizInvalid)
    });
    let explained = |rules, chars| {
        let explanation = Some("a".repeat(chars));
        SendPoll { explanation, ..ask(id, rules) }
    };
    let rejected = PollRejection::ExplanationInvalid;
    world
        .when(account(ANN), explained(quiz(2), EXPLANATION_CHARS_MAX))
        .then_allowed()
        .when(account(ANN), explained(quiz(2), EXPLANATION_CHARS_MAX + 1))
        .then_rejected(rejected)
        .when(account(ANN), explained(quiz(2), 0))
        .then_rejected(rejected)
        .when(account(ANN), explained(loose(), 1))
        .then_rejected(rejected);
}

#[test]
fn a_poll_closes_within_366_days() {
    let (world, id) = lunch(&[]);
    let closing = |ms: i64| {
        let closes_at = Some(Timestamp(NOW.0.saturating_add(ms)));
        ask(id, PollRules { closes_at, ..loose() })
    };
    let rejected = PollRejection::ClosesAtInvalid;
    world
        .when(account(ANN), closing(OPEN_MS_MAX))
        .then_allowed()
        .when(account(ANN), closing(OPEN_MS_MAX + 1))
        .then_rejected(rejected)
        .when(account(ANN), closing(0))
        .then_rejected(rejected)
        .when(account(ANN), closing(i64::MIN))
        .then_rejected(rejected);
}
