//! What options come to, and which are refused.

use super::*;

#[test]
fn the_removal_of_lost_factors_waits_an_hour_to_30_days() {
    let waits = |factor_recovery_hours| Config { factor_recovery_hours, ..Config::default() };
    for (hours, is_good) in [(0, false), (1, true), (720, true), (721, false)] {
        assert_eq!(waits(hours).validate().is_ok(), is_good, "{hours}");
    }
    assert_eq!(Config::default().ways().factor_recovery_ms, 72 * 3_600 * 1_000);
    assert!(!Config::default().ways().sign_in_links);
}

#[test]
fn pages_are_looked_up_at_1_to_16_ports_of_the_web_or_nowhere() {
    let at = |count: u16| Config { previews_ports: (1..=count).collect(), ..Config::default() };
    for (count, is_good) in [(0, false), (1, true), (16, true), (17, false)] {
        assert_eq!(at(count).validate().is_ok(), is_good, "{count}");
    }
    let settings = Config::default().ports().addresses.web_pages;
    assert_eq!(settings, Some(web_pages::Settings::default()));
    let none = Config { previews: false, ..Config::default() };
    assert_eq!(none.ports().addresses.web_pages, None);
}

#[test]
fn files_are_kept_for_ever_or_up_to_a_hundred_years() {
    let kept = |files_kept_days| Config { files_kept_days, ..Config::default() };
    for (days, is_good) in [(0, true), (36_500, true), (36_501, false)] {
        assert_eq!(kept(days).validate().is_ok(), is_good, "{days}");
    }
    assert_eq!(kept(3).intake().expect("no files are read").kept_days, 3);
}

#[test]
fn files_are_looked_into_by_one_to_1024_programs_at_once_or_none() {
    let by = |media_at_once| Config { media_at_once, ..Config::default() };
    for (count, is_good) in [(0, true), (1, true), (1_024, true), (1_025, false)] {
        assert_eq!(by(count).validate().is_ok(), is_good, "{count}");
    }
    assert_eq!(by(3).media().map(|it| it.at_once), Some(3));
    assert!(by(0).media().is_some_and(|it| it.at_once > 0));
    let none = Config { media: false, ..Config::default() };
    assert!(none.media().is_none());
}
