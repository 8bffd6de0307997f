use serde_json::{Value, json};
use uuid::Uuid;

use crate::value::Datum;

/// What a row must meet to be touched by an operation: `<condition>`, RFC 7047 §5.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    column: String,
    function: Function,
    value: Datum,
}

impl Condition {
    /// The rows whose `column` compares with `value` by `function`.
    pub fn new(column: &str, function: Function, value: impl Into<Datum>) -> Self {
        Self { column: column.to_owned(), function, value: value.into() }
    }

    /// The row `uuid`.
    pub fn uuid(uuid: Uuid) -> Self {
        Self::equals("_uuid", uuid)
    }

    /// The rows whose `column` is `value`.
    pub fn equals(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::Equal, value)
    }

    /// The rows whose `column`, a set or map, has all that `value` has.
    pub fn includes(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::Includes, value)
    }

    /// The rows whose `column`, a set or map, has nothing that `value` has.
    pub fn excludes(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::Excludes, value)
    }

    pub(super) fn encode(&self) -> Value {
        json!([self.column, self.function.symbol(), self.value.encode()])
    }
}

/// How a condition compares: `<function>`, RFC 7047 §5.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Function {
    /// `<`, for integers and reals.
    Less,
    /// `<=`, for integers and reals.
    LessOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`, for integers and reals.
    GreaterOrEqual,
    /// `>`, for integers and reals.
    Greater,
    /// `includes`
    Includes,
    /// `excludes`
    Excludes,
}

impl Function {
    fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
            Self::Includes => "includes",
            Self::Excludes => "excludes",
        }
    }
}
