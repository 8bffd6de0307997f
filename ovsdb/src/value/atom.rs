use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::{Value, json};
use uuid::Uuid;

use super::ValueError;

/// One value without structure: `<atom>`, RFC 7047 §5.1.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Atom {
    /// A signed 64-bit integer.
    Integer(i64),
    /// A finite double.
    Real(Real),
    /// `true` or `false`.
    Boolean(bool),
    /// A Unicode string.
    String(String),
    /// The identity of a row.
    Uuid(Uuid),
    /// A row that the same transaction inserts, by the name the insertion gave it.
    NamedUuid(UuidName),
}

impl Atom {
    /// Reads `<atom>`. An integral number is an [`Atom::Integer`].
    ///
    /// # Errors
    /// When `json` is not an atom, or an integer beyond 64 bits.
    pub fn decode(json: &Value) -> Result<Self, ValueError> {
        match json {
            Value::Bool(value) => Ok(Self::Boolean(*value)),
            Value::String(value) => Ok(Self::String(value.clone())),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Ok(Self::Integer(integer)),
                (None, Some(real)) if !number.is_u64() => Real::new(real)
                    .map(Self::Real)
                    .ok_or_else(|| ValueError::new("a finite number", json)),
                _ => Err(ValueError::new("an integer of 64 bits", json)),
            },
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(tag), text] if tag == "uuid" => {
                    decode_uuid(text).map(Self::Uuid).map_err(|error| error.within(1))
                }
                [Value::String(tag), text] if tag == "named-uuid" => {
                    let name = text.as_str().and_then(|name| UuidName::new(name).ok());
                    name.map(Self::NamedUuid)
                        .ok_or_else(|| ValueError::new("an identifier", text).within(1))
                }
                _ => Err(ValueError::new("an atom", json)),
            },
            Value::Null | Value::Object(_) => Err(ValueError::new("an atom", json)),
        }
    }

    /// Writes `<atom>`.
    pub fn encode(&self) -> Value {
        match self {
            Self::Integer(value) => json!(value),
            Self::Real(value) => json!(value.get()),
            Self::Boolean(value) => json!(value),
            Self::String(value) => json!(value),
            Self::Uuid(value) => json!(["uuid", value.as_hyphenated().to_string()]),
            Self::NamedUuid(name) => json!(["named-uuid", name.as_str()]),
        }
    }
}

impl From<i64> for Atom {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Atom {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Atom {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Atom {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Uuid> for Atom {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<UuidName> for Atom {
    fn from(value: UuidName) -> Self {
        Self::NamedUuid(value)
    }
}

impl From<Real> for Atom {
    fn from(value: Real) -> Self {
        Self::Real(value)
    }
}

/// The type of an atom: `<atomic-type>`, RFC 7047 §3.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AtomicType {
    /// `integer`
    Integer,
    /// `real`
    Real,
    /// `boolean`
    Boolean,
    /// `string`
    String,
    /// `uuid`
    Uuid,
}

impl AtomicType {
    /// The type that a schema calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Integer, Self::Real, Self::Boolean, Self::String, Self::Uuid]
            .into_iter()
            .find(|known| known.name() == name)
    }

    /// Its name in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Uuid => "uuid",
        }
    }
}

/// A finite double. Ordered by [`f64::total_cmp`], so that it can be an element of a set;
/// negative zero is stored as zero.
#[derive(Clone, Copy, Debug)]
pub struct Real(f64);

impl Real {
    /// `value`, unless it is infinite or not a number.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// Name of a row within the transaction that inserts it: `<id>`, RFC 7047 §3.1.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UuidName(String);

impl UuidName {
    /// Checks `name`.
    ///
    /// # Errors
    /// When `name` is not a letter or underscore followed by letters, digits and underscores.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidUuidName> {
        let name = name.into();
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_word && name.bytes().next().is_some_and(|first| !first.is_ascii_digit()) {
            Ok(Self(name))
        } else {
            Err(InvalidUuidName(name))
        }
    }

    /// `row0`, `row1`, …
    pub fn numbered(number: usize) -> Self {
        Self(format!("row{number}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UuidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row name that is not an identifier.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not an identifier (letters, digits and underscores, not starting with a digit)")]
pub struct InvalidUuidName(pub String);

/// Reads the 36 characters of a UUID: the notations without hyphens, with braces and so on, which
/// the `uuid` crate also reads, are no OVSDB.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() == uuid::fmt::Hyphenated::LENGTH { Uuid::try_parse(text).ok() } else { None }
}

fn decode_uuid(json: &Value) -> Result<Uuid, ValueError> {
    json.as_str().and_then(parse_uuid).ok_or_else(|| ValueError::new("a UUID", json))
}
