//! Values that are serialized as text: fields by their names, their values as `set_field` has them.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Naming;
use super::matching::unknown;
use super::value::{set_value, tun_metadata_name, tun_metadata_value};
use crate::{Field, FixedString, Match, Oxm, Subfield, TunMetadata};

/// A field's value, with its mask if it has one.
struct Value<'a>(&'a Oxm);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        set_value(f, self.0, Naming(None))
    }
}

/// An option's value, with its mask if it has one.
struct OptionValue<'a>(&'a TunMetadata);

impl fmt::Display for OptionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tun_metadata_value(f, self.0)
    }
}

/// A field that nobody knows, with its value.
struct Unknown<'a>(&'a [u8]);

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unknown(f, self.0)
    }
}

/// A map from names of fields to values, in the order of a canonical match.
impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for oxm in self.fields() {
            map.serialize_entry(&oxm.field, &Value(&oxm).to_string())?;
        }
        for option in self.tun_metadata() {
            map.serialize_entry(&option.field(), &OptionValue(&option).to_string())?;
        }
        for tlv in self.unknown() {
            let text = Unknown(tlv).to_string();
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Oxm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut oxm = serializer.serialize_struct("Oxm", 2)?;
        oxm.serialize_field("field", &self.field)?;
        oxm.serialize_field("value", &Value(self).to_string())?;
        oxm.end()
    }
}

impl Serialize for TunMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut option = serializer.serialize_struct("TunMetadata", 2)?;
        option.serialize_field("field", tun_metadata_name(self))?;
        option.serialize_field("value", &OptionValue(self).to_string())?;
        option.end()
    }
}

/// By its name, or as `oxm(CLASS,NUMBER,EXPERIMENTER)`.
impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.spec() {
            Some(spec) => serializer.serialize_str(spec.name),
            None => serializer.collect_str(&format_args!("{self:?}")),
        }
    }
}

/// As text: `NXM_NX_REG0[0..15]`.
impl Serialize for Subfield {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for FixedString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}
