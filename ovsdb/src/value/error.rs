use std::fmt::Write as _;

use serde_json::Value;

/// JSON that is no value, or a value of another type than its column has.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}expected {expected}, found {found}", if at.is_empty() { String::new() } else { format!("at {at}: ") })]
pub struct ValueError {
    /// Where in the value, as a JSON pointer (RFC 6901); empty for the value itself.
    pub at: String,
    /// What the place must hold.
    pub expected: &'static str,
    /// What it holds: JSON, cut after some 60 characters.
    pub found: String,
}

impl ValueError {
    pub(crate) fn new(expected: &'static str, found: &Value) -> Self {
        Self { at: String::new(), expected, found: excerpt(&found.to_string()) }
    }

    /// The same error, seen from the array or object that holds the value at `key`.
    #[must_use]
    pub(crate) fn within(mut self, key: impl std::fmt::Display) -> Self {
        self.at.insert_str(0, &format!("/{key}"));
        self
    }
}

/// `text` cut to a length that can be logged.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => {
            let mut cut = text[..end].to_owned();
            let _ = write!(cut, "… ({} bytes)", text.len());
            cut
        }
    }
}

const EXCERPT: usize = 60;
