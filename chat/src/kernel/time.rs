//! Points in time, as milliseconds since 1970-01-01 UTC; RFC 3339 for people.

use std::collections::HashSet;

use apache_avro::schema::{Name, NamespaceRef, RecordField};
use apache_avro::serde::AvroSchemaComponent;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::{Deserialize, Serialize};

/// A point in time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Latest time that may be named, 9999-12-30T22:00:00Z: the last that is in the year 9999, which is
/// as far as RFC 3339 can write, in every time zone.
pub const TIMESTAMP_MS_MAX: i64 = 253_402_207_200_000;

impl Timestamp {
    /// RFC 3339 in UTC.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0.clamp(0, TIMESTAMP_MS_MAX))
            .expect("the range was clamped to what can be written")
            .to_string()
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let time = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        (0..=TIMESTAMP_MS_MAX).contains(&time).then_some(Self(time))
    }
}

impl AvroSchemaComponent for Timestamp {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> apache_avro::Schema {
        apache_avro::Schema::TimestampMillis
    }

    fn get_record_fields_in_ctxt(
        _: &mut HashSet<Name>,
        _: NamespaceRef,
    ) -> Option<Vec<RecordField>> {
        None
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "integer",
            "minimum": 0,
            "maximum": TIMESTAMP_MS_MAX,
            "description": "milliseconds since 1970-01-01 UTC",
        })
    }
}

/// A point in time in RFC 3339, UTC.
#[Scalar(name = "DateTime")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        Self::parse(text).ok_or_else(|| InputValueError::custom("time is not RFC 3339"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.rfc3339())
    }
}

/// A count or a sequence: a long in Avro, a number in JSON, the scalar `Long` in GraphQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Long(pub u64);

impl Serialize for Long {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(i64::try_from(self.0).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Long {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = i64::deserialize(from)?;
        u64::try_from(value).map(Self).map_err(serde::de::Error::custom)
    }
}

impl AvroSchemaComponent for Long {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> apache_avro::Schema {
        apache_avro::Schema::Long
    }

    fn get_record_fields_in_ctxt(
        _: &mut HashSet<Name>,
        _: NamespaceRef,
    ) -> Option<Vec<RecordField>> {
        None
    }
}

impl schemars::JsonSchema for Long {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Long".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })
    }
}

/// A whole number from 0 to 2^63 - 1, written as a string, read from a string or an integer.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            Value::Null
            | Value::Boolean(_)
            | Value::Binary(_)
            | Value::Enum(_)
            | Value::List(_)
            | Value::Object(_) => None,
        };
        let number = number.filter(|it| i64::try_from(*it).is_ok());
        number.map(Self).ok_or_else(|| InputValueError::custom("number is out of range"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_may_be_named_is_written_and_read_back() {
        let last = Timestamp(TIMESTAMP_MS_MAX);
        assert_eq!(last.rfc3339(), "9999-12-30T22:00:00Z");
        assert_eq!(Timestamp::parse(&last.rfc3339()), Some(last));
        assert_eq!(Timestamp::parse("9999-12-30T22:00:00.001Z"), None);
        // What was stored before there was this limit is shown as the last.
        assert_eq!(Timestamp(i64::MAX).rfc3339(), last.rfc3339());
        assert_eq!(Timestamp(-1).rfc3339(), Timestamp(0).rfc3339());
    }
}
