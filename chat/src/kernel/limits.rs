//! What applies to every caller of an instance, as its options say.

/// What applies to a caller: rates in uses a minute, and amounts.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Commands of one account.
    pub per_account: u32,
    /// Requests from one address.
    pub per_ip: u32,
    /// Registrations from one address.
    pub register: u32,
    /// Attempts to sign in, per account name and per address.
    pub sign_in: u32,
    /// Codes that are sent to one address in an hour.
    pub codes: u32,
    /// Bytes that the files of one account may take.
    pub storage_bytes: u64,
    /// Bytes that the files of one conversation may take.
    pub conversation_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_account: 600,
            per_ip: 6_000,
            register: 30,
            sign_in: 10,
            codes: 5,
            storage_bytes: 50 << 30,
            conversation_bytes: 1 << 40,
        }
    }
}
