use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use uuid::Uuid;

use crate::schema::ColumnType;
use crate::value::{Atom, AtomicType, Datum, ValueError};

/// How a value in an update changes the field it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum How {
    /// The value is the column's new value.
    Replace,
    /// The value is the difference to the old one, as `ovsdb-server(7)` defines it for `modify`
    /// rows of `update2` and `update3`.
    Difference,
}

/// A type that a column can have in a row.
pub(crate) trait Field: Sized {
    /// The type that the server's column must have.
    const TYPE: ColumnType;

    /// Reads a column's value.
    fn from_datum(datum: Datum) -> Result<Self, Datum>;

    /// Applies a difference. Of what holds at most one atom, the difference is the new value.
    fn apply(&mut self, difference: Self);

    /// Bytes that the field holds outside its struct, roughly.
    fn heap_size(&self) -> usize;

    /// Changes the field by a value in an update.
    fn change(&mut self, datum: Datum, how: How) -> Result<(), ColumnError> {
        let value = Self::from_datum(datum).map_err(|found| ColumnError::Type {
            expected: Self::TYPE,
            found: crate::value::excerpt(&found.encode().to_string()),
        })?;
        match how {
            How::Replace => *self = value,
            How::Difference => self.apply(value),
        }
        Ok(())
    }
}

/// A column of an update that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ColumnError {
    /// A column that was not asked for.
    #[error("a column that was not asked for")]
    Unknown,
    /// Not a value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A value of another type than the schema says.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the schema says.
        expected: ColumnType,
        /// What was sent: JSON, cut after some 60 characters.
        found: String,
    },
}

/// A type that an atom can have in a row.
pub(crate) trait Element: Ord + Sized {
    const TYPE: AtomicType;

    fn from_atom(atom: Atom) -> Result<Self, Atom>;

    fn heap_size(&self) -> usize {
        0
    }
}

macro_rules! element {
    ($type:ty, $variant:ident, $size:expr) => {
        impl Element for $type {
            const TYPE: AtomicType = AtomicType::$variant;

            fn from_atom(atom: Atom) -> Result<Self, Atom> {
                if let Atom::$variant(value) = atom { Ok(value) } else { Err(atom) }
            }

            fn heap_size(&self) -> usize {
                let size: fn(&Self) -> usize = $size;
                size(self)
            }
        }
    };
}

element!(String, String, String::len);
element!(i64, Integer, |_| 0);
element!(bool, Boolean, |_| 0);
element!(Uuid, Uuid, |_| 0);

macro_rules! scalar_field {
    ($($type:ty),*) => {$(
        impl Field for $type {
            const TYPE: ColumnType = ColumnType::Scalar(<$type as Element>::TYPE);

            fn from_datum(datum: Datum) -> Result<Self, Datum> {
                match datum {
                    Datum::Set(mut atoms) if atoms.len() == 1 => {
                        let only = atoms.pop_first().expect("a set of one is not empty");
                        <$type as Element>::from_atom(only).map_err(Datum::from)
                    }
                    other => Err(other),
                }
            }

            fn apply(&mut self, difference: Self) {
                *self = difference;
            }

            fn heap_size(&self) -> usize {
                Element::heap_size(self)
            }
        }
    )*};
}

scalar_field!(String, i64, bool, Uuid);

impl<T: Element> Field for Option<T> {
    const TYPE: ColumnType = ColumnType::Optional(T::TYPE);

    fn from_datum(datum: Datum) -> Result<Self, Datum> {
        match datum {
            Datum::Set(mut atoms) if atoms.len() <= 1 => match atoms.pop_first() {
                None => Ok(None),
                Some(only) => T::from_atom(only).map(Some).map_err(Datum::from),
            },
            other => Err(other),
        }
    }

    fn apply(&mut self, difference: Self) {
        *self = difference;
    }

    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, T::heap_size)
    }
}

impl<T: Element> Field for BTreeSet<T> {
    const TYPE: ColumnType = ColumnType::Set(T::TYPE);

    fn from_datum(datum: Datum) -> Result<Self, Datum> {
        match datum {
            Datum::Set(atoms) => {
                atoms.into_iter().map(T::from_atom).collect::<Result<_, _>>().map_err(Datum::from)
            }
            other => Err(other),
        }
    }

    /// An element in the difference was added if it is new, else removed.
    fn apply(&mut self, difference: Self) {
        for element in difference {
            if !self.remove(&element) {
                self.insert(element);
            }
        }
    }

    fn heap_size(&self) -> usize {
        self.iter().map(|element| mem::size_of::<T>() + element.heap_size()).sum()
    }
}

impl<K: Element, V: Element> Field for BTreeMap<K, V> {
    const TYPE: ColumnType = ColumnType::Map(K::TYPE, V::TYPE);

    fn from_datum(datum: Datum) -> Result<Self, Datum> {
        match datum {
            Datum::Map(pairs) => pairs
                .into_iter()
                .map(|(key, value)| Ok((K::from_atom(key)?, V::from_atom(value)?)))
                .collect::<Result<_, Atom>>()
                .map_err(Datum::from),
            other => Err(other),
        }
    }

    /// A pair in the difference was removed if it is in the map as it is; otherwise its key was
    /// added or its value changed.
    fn apply(&mut self, difference: Self) {
        for (key, value) in difference {
            if self.get(&key) == Some(&value) {
                self.remove(&key);
            } else {
                self.insert(key, value);
            }
        }
    }

    fn heap_size(&self) -> usize {
        let pair = mem::size_of::<K>() + mem::size_of::<V>();
        self.iter().map(|(key, value)| pair + key.heap_size() + value.heap_size()).sum()
    }
}
