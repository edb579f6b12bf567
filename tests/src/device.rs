//! A device that keeps passkeys, as far as a server can tell (WebAuthn Level 3, sections 5 and 6).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use serde_json::{Value, json};

/// The device: one key, and how it behaves.
pub struct Device {
    pair: EcdsaKeyPair,
    credential: Vec<u8>,
    /// Whose passkey it keeps, as the server called them.
    pub user: Vec<u8>,
    /// Where its browser is.
    pub origin: String,
    /// Whether it says that its owner has unlocked it.
    pub unlocked: bool,
    /// How often it has signed; it says 0 when it does not count.
    pub counter: u32,
}

impl Device {
    /// A new device with its browser at an address.
    pub fn at(origin: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let credential = digest(&SHA256, pair.public_key().as_ref()).as_ref().to_vec();
        let (user, origin) = (Vec::new(), origin.to_owned());
        Self { pair, credential, user, origin, unlocked: true, counter: 0 }
    }

    fn browser(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["challenge"];
        let said = json!({ "type": kind, "challenge": challenge, "origin": self.origin });
        said.to_string().into_bytes()
    }

    fn said(&self, host: &str, made: bool) -> Vec<u8> {
        let unlocked = if self.unlocked { 0x04 } else { 0 };
        let mut said = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
        said.push(0x01 | unlocked | if made { 0x40 } else { 0 });
        said.extend(self.counter.to_be_bytes());
        said
    }

    fn key(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (point[1..33].to_vec(), point[33..].to_vec());
        let number = |it: i64| Cbor::Integer(it.into());
        let key = Cbor::Map(vec![
            (number(1), number(2)),
            (number(3), number(-7)),
            (number(-1), number(1)),
            (number(-2), Cbor::Bytes(x)),
            (number(-3), Cbor::Bytes(y)),
        ]);
        encoded(&key)
    }

    fn answer(&self, mut response: Value, browser: &[u8]) -> Value {
        response["clientDataJSON"] = URL_SAFE_NO_PAD.encode(browser).into();
        let id = URL_SAFE_NO_PAD.encode(&self.credential);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": response,
        })
    }

    /// Makes a passkey as it is asked to.
    pub fn makes(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options in JSON");
        let user = options["user"]["id"].as_str().expect("a user");
        self.user = URL_SAFE_NO_PAD.decode(user).expect("base64");
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        let mut said = self.said(options["rp"]["id"].as_str().expect("a host"), true);
        said.extend([0; 16]);
        said.extend(u16::try_from(self.credential.len()).expect("it is short").to_be_bytes());
        said.extend(&self.credential);
        said.extend(self.key());
        let attestation = encoded(&Cbor::Map(vec![
            (Cbor::Text("fmt".to_owned()), Cbor::Text("none".to_owned())),
            (Cbor::Text("attStmt".to_owned()), Cbor::Map(Vec::new())),
            (Cbor::Text("authData".to_owned()), Cbor::Bytes(said)),
        ]));
        let response = json!({ "attestationObject": URL_SAFE_NO_PAD.encode(attestation) });
        self.answer(response, &self.browser("webauthn.create", &options)).to_string()
    }

    /// Uses its passkey as it is asked to.
    pub fn uses(&self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options in JSON");
        assert_eq!(options["userVerification"], "required");
        let browser = self.browser("webauthn.get", &options);
        let said = self.said(options["rpId"].as_str().expect("a host"), false);
        let signed = [&said[..], digest(&SHA256, &browser).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).expect("a signature");
        let response = json!({
            "authenticatorData": URL_SAFE_NO_PAD.encode(said),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.user),
        });
        self.answer(response, &browser).to_string()
    }
}

fn encoded(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("it is written to memory");
    bytes
}
