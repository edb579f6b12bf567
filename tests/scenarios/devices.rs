//! Devices that wait to be let in: one's own, and those of applications.

use std::time::Duration;

use serde_json::{Value, json};
use tests::bridge::{Bridge, text};
use tests::{Answer, World};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn waits(world: &World) -> (String, String) {
    let wanted = "mutation { requestDevice { code uri qrSvg deviceCode interval } }";
    let asked = world.client.ask(None, wanted, json!({}));
    let waiting = &asked.data()["requestDevice"];
    let code = text(&waiting["code"]);
    assert!(text(&waiting["uri"]).ends_with(&format!("/device?code={code}")));
    assert!(text(&waiting["qrSvg"]).contains("<svg"));
    (code, text(&waiting["deviceCode"]))
}

fn comes(world: &World, device_code: &str) -> Answer {
    let input = json!({ "deviceCode": device_code, "device": "television" });
    world.client.change(None, "signInWithDevice", input, "accessToken")
}

#[test]
fn a_device_of_ones_own_signs_in_by_a_code_that_was_scanned() {
    let world = World::new();
    let ann = world.person("ann");
    let (code, device_code) = waits(&world);
    assert_eq!(comes(&world, &device_code).code(), "DEVICES_PENDING");
    let looked = ann.asks(
        "query($code: String!) { deviceRequest(code: $code) { application { name } access } }",
        json!({ "code": code.to_lowercase() }),
    );
    let expected = json!({ "application": null, "access": [] });
    assert_eq!(looked.data()["deviceRequest"], expected);
    ann.does("answerDevice", json!({ "code": code, "allow": true }), "position");
    let opened = comes(&world, &device_code);
    let token = text(&opened.data()["signInWithDevice"]["accessToken"]);
    let listed = world.client.ask(Some(&token), "{ viewer { id } sessions { device } }", json!({}));
    assert_eq!(listed.data()["viewer"]["id"], ann.id.as_str());
    assert!(listed.data()["sessions"].to_string().contains("television"));
    assert_eq!(comes(&world, &device_code).code(), "SESSIONS_SIGN_IN_FAILED");
    let again = ann.tries("answerDevice", json!({ "code": code, "allow": true }), "position");
    assert_eq!(again.code(), "NOT_FOUND");
}

#[test]
fn a_device_that_was_refused_or_forgotten_stays_outside() {
    let world = World::new();
    let mut ann = world.person("ann");
    let (code, device_code) = waits(&world);
    ann.does("answerDevice", json!({ "code": code, "allow": false }), "position");
    assert_eq!(comes(&world, &device_code).code(), "DEVICES_DENIED");
    for bad in ["", "x", &device_code[1..]] {
        assert_eq!(comes(&world, bad).code(), "DEVICES_EXPIRED");
    }
    let (code, device_code) = waits(&world);
    for bad in ["", "BCDF-GHJK", "not a code"] {
        let input = json!({ "code": bad, "allow": true });
        assert_eq!(ann.tries("answerDevice", input, "position").code(), "NOT_FOUND", "{bad}");
    }
    world.passes(Duration::from_secs(600));
    let input = json!({ "refreshToken": ann.refresh_token });
    let refreshed = world.client.change(None, "refresh", input, "accessToken");
    ann.token = text(&refreshed.data()["refresh"]["accessToken"]);
    let late = ann.tries("answerDevice", json!({ "code": code, "allow": true }), "position");
    assert_eq!(late.code(), "NOT_FOUND");
    assert_eq!(comes(&world, &device_code).code(), "DEVICES_EXPIRED");
    let (code, _) = waits(&world);
    let stale = ann.tries("answerDevice", json!({ "code": code, "allow": true }), "position");
    assert_eq!(stale.code(), "SESSIONS_CONFIRM_FIRST");
}

#[test]
fn a_password_that_was_changed_meanwhile_lets_no_device_in() {
    let world = World::new();
    let ann = world.person("ann");
    let (code, device_code) = waits(&world);
    ann.does("answerDevice", json!({ "code": code, "allow": true }), "position");
    let input = json!({ "currentPassword": tests::PASSWORD, "newPassword": "staple battery 9" });
    ann.does("changePassword", input, "position");
    assert_eq!(comes(&world, &device_code).code(), "SESSIONS_SIGN_IN_FAILED");
}

#[test]
fn who_signs_out_everywhere_takes_back_what_they_let_in_before() {
    let world = World::new();
    let ann = world.person("ann");
    let (code, device_code) = waits(&world);
    ann.does("answerDevice", json!({ "code": code, "allow": true }), "position");
    ann.does("signOutAll", json!({}), "position");
    assert_eq!(comes(&world, &device_code).code(), "SESSIONS_SIGN_IN_FAILED");
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    let code = bridge.code(&ann, "openid chat:read");
    ann.does("signOutAll", json!({}), "position");
    assert_eq!(bridge.exchanges(&code).json()["error"], "invalid_grant");
}

#[test]
fn an_application_on_a_device_is_let_in_within_its_scopes() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, false);
    let other = Bridge::registered(&world, &owner, false);
    let asked = bridge.posts("/oauth/device", &[("scope", "openid offline_access chat:read")]);
    let waiting = asked.json();
    assert_eq!((&waiting["expires_in"], &waiting["interval"]), (&json!(600), &json!(5)));
    let device_code = text(&waiting["device_code"]);
    let fields = [("grant_type", GRANT), ("device_code", device_code.as_str())];
    let polls = |bridge: &Bridge<'_>| bridge.posts("/oauth/token", &fields).json();
    assert_eq!(polls(&bridge)["error"], "authorization_pending");
    assert_eq!(polls(&other)["error"], "expired_token", "another's");
    assert_eq!(comes(&world, &device_code).code(), "DEVICES_EXPIRED", "it is no device of hers");
    let input = json!({ "code": waiting["user_code"], "allow": true });
    ann.does("answerDevice", input, "position");
    let tokens = polls(&bridge);
    assert_eq!(tokens["scope"], "openid offline_access chat:read");
    assert!(tokens["id_token"].is_string());
    let token = text(&tokens["access_token"]);
    bridge.asks(&token, "{ viewer { id } }").data();
    assert_eq!(bridge.asks(&token, "{ sessions { id } }").code(), "APPLICATIONS_SCOPE_MISSING");
    let next = bridge.refreshes(&text(&tokens["refresh_token"]), &[]);
    assert_eq!(next.status, 200);
    assert_eq!(polls(&bridge)["error"], "invalid_grant", "a code opens one session");
    assert_eq!(bridge.asks(&token, "{ viewer { id } }").code(), "UNAUTHENTICATED");
    for scope in ["", "admin"] {
        let refused = bridge.posts("/oauth/device", &[("scope", scope)]).json();
        assert_eq!(refused["error"], "invalid_scope");
    }
}

#[test]
fn a_device_that_asks_too_often_is_told_to_slow_down() {
    let world = World::new();
    let (_, device_code) = waits(&world);
    let codes: Vec<_> = (0..21).map(|_| comes(&world, &device_code).code().to_owned()).collect();
    assert_eq!(codes.iter().filter(|it| *it == "DEVICES_PENDING").count(), 20);
    assert_eq!(codes[20], "RATE_LIMITED");
    assert_eq!(Value::from(codes[0].as_str()), "DEVICES_PENDING");
}
