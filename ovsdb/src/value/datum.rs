use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Atom, ValueError};

/// What a column holds: `<value>`, RFC 7047 §5.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Datum {
    /// Any number of atoms. A scalar is a set of one, an optional value a set of none or one.
    Set(BTreeSet<Atom>),
    /// Key-value pairs.
    Map(BTreeMap<Atom, Atom>),
}

impl Datum {
    /// A set of `atoms`.
    pub fn set<T: Into<Atom>>(atoms: impl IntoIterator<Item = T>) -> Self {
        Self::Set(atoms.into_iter().map(Into::into).collect())
    }

    /// A map of `pairs`; of two with the same key the later one stays.
    pub fn map<K: Into<Atom>, V: Into<Atom>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// Reads `<value>`.
    ///
    /// # Errors
    /// When `json` is not an atom, set or map, or a set or a map's keys have duplicates.
    pub fn decode(json: &Value) -> Result<Self, ValueError> {
        match json.as_array().map(Vec::as_slice) {
            Some([Value::String(tag), elements]) if tag == "set" => {
                decode_set(elements).map(Self::Set).map_err(|error| error.within(1))
            }
            Some([Value::String(tag), pairs]) if tag == "map" => {
                decode_map(pairs).map(Self::Map).map_err(|error| error.within(1))
            }
            _ => match Atom::decode(json) {
                Ok(atom) => Ok(Self::from(atom)),
                Err(error) if error.expected == "an atom" => {
                    Err(ValueError::new("an atom, a set or a map", json))
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Writes `<value>`; a set of one as the bare atom.
    pub fn encode(&self) -> Value {
        match self {
            Self::Set(atoms) => match atoms.first() {
                Some(only) if atoms.len() == 1 => only.encode(),
                _ => json!(["set", atoms.iter().map(Atom::encode).collect::<Vec<_>>()]),
            },
            Self::Map(pairs) => {
                let encoded =
                    pairs.iter().map(|(key, value)| json!([key.encode(), value.encode()]));
                json!(["map", encoded.collect::<Vec<_>>()])
            }
        }
    }
}

impl<T: Into<Atom>> From<T> for Datum {
    fn from(atom: T) -> Self {
        Self::Set(BTreeSet::from([atom.into()]))
    }
}

impl<T: Into<Atom>> From<Option<T>> for Datum {
    fn from(atom: Option<T>) -> Self {
        Self::set(atom)
    }
}

impl<T: Into<Atom>> From<BTreeSet<T>> for Datum {
    fn from(atoms: BTreeSet<T>) -> Self {
        Self::set(atoms)
    }
}

impl<K: Into<Atom>, V: Into<Atom>> From<BTreeMap<K, V>> for Datum {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        Self::map(pairs)
    }
}

fn decode_set(json: &Value) -> Result<BTreeSet<Atom>, ValueError> {
    let elements = json.as_array().ok_or_else(|| ValueError::new("an array of atoms", json))?;
    let mut set = BTreeSet::new();
    for (index, element) in elements.iter().enumerate() {
        let atom = Atom::decode(element).map_err(|error| error.within(index))?;
        if !set.insert(atom) {
            return Err(ValueError::new("each element once", element).within(index));
        }
    }
    Ok(set)
}

fn decode_map(json: &Value) -> Result<BTreeMap<Atom, Atom>, ValueError> {
    let pairs = json.as_array().ok_or_else(|| ValueError::new("an array of pairs", json))?;
    let mut map = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        let Some([key, value]) = pair.as_array().map(Vec::as_slice) else {
            return Err(ValueError::new("a key and a value", pair).within(index));
        };
        let atom = Atom::decode(key).map_err(|error| error.within(0).within(index))?;
        let value = Atom::decode(value).map_err(|error| error.within(1).within(index))?;
        match map.entry(atom) {
            Entry::Vacant(free) => free.insert(value),
            Entry::Occupied(_) => {
                return Err(ValueError::new("each key once", key).within(0).within(index));
            }
        };
    }
    Ok(map)
}
