//! Values that stand in events as a text, so that a later version may have more of them.

/// Says that a value is a string in Avro.
#[macro_export]
macro_rules! text {
    ($type:ident) => {
        impl apache_avro::serde::AvroSchemaComponent for $type {
            fn get_schema_in_ctxt(
                _: &mut std::collections::HashSet<apache_avro::schema::Name>,
                _: apache_avro::schema::NamespaceRef,
            ) -> apache_avro::Schema {
                apache_avro::Schema::String
            }

            fn get_record_fields_in_ctxt(
                _: &mut std::collections::HashSet<apache_avro::schema::Name>,
                _: apache_avro::schema::NamespaceRef,
            ) -> Option<Vec<apache_avro::schema::RecordField>> {
                None
            }
        }
    };
}

/// Writes a value as its code and reads it by `of`, also in Avro, where it is a string.
#[macro_export]
macro_rules! coded {
    ($type:ident, $code:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.$code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str>>::deserialize(from).map(|it| Self::of(&it))
            }
        }

        $crate::text!($type);
    };
}
