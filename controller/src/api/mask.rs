use std::collections::BTreeSet;

use prost_types::FieldMask;

use super::fields::Fields;

/// Which fields an update replaces.
#[derive(Debug)]
pub(super) enum Mask {
    /// Those that are not empty: there was no mask.
    Populated,
    /// All that can change: `*`.
    All,
    /// These.
    Paths(BTreeSet<String>),
}

impl Mask {
    /// `changeable` and `fixed` are the resource's fields that clients set; a mask that names
    /// another is wrong.
    pub(super) fn new(
        mask: Option<FieldMask>,
        changeable: &[&str],
        fixed: &[&str],
        fields: &mut Fields,
    ) -> Self {
        let paths = mask.map(|mask| mask.paths).unwrap_or_default();
        match paths.as_slice() {
            [] => return Self::Populated,
            [all] if all == "*" => return Self::All,
            _ => {}
        }
        let mut known = BTreeSet::new();
        for path in paths {
            // A path into a message or a map stands for the whole field.
            let field = path.split('.').next().unwrap_or_default();
            if changeable.contains(&field) || fixed.contains(&field) {
                known.insert(field.to_owned());
            } else {
                let expected = changeable.join(", ");
                fields.wrong_beside(
                    "update_mask",
                    format_args!("{path:?} cannot be updated: expected some of {expected}"),
                );
            }
        }
        Self::Paths(known)
    }

    /// Whether a field that can change is replaced; `populated` when it is not empty.
    pub(super) fn replaces(&self, field: &str, populated: bool) -> bool {
        match self {
            Self::Populated => populated,
            Self::All => true,
            Self::Paths(paths) => paths.contains(field),
        }
    }

    /// Whether a field that cannot change must be what it is.
    pub(super) fn compares(&self, field: &str, populated: bool) -> bool {
        match self {
            Self::Populated | Self::All => populated,
            Self::Paths(paths) => paths.contains(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is replaced of `name` (set), `size` (empty); what is compared of `id` (set).
    #[track_caller]
    fn check(paths: &[&str], expected: Result<[bool; 3], &str>) {
        let mask = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        let mut fields = Fields::of("thing");
        let mask = Mask::new(Some(mask), &["name", "size"], &["id"], &mut fields);
        let found = match fields.finish() {
            Ok(()) => Ok([
                mask.replaces("name", true),
                mask.replaces("size", false),
                mask.compares("id", true),
            ]),
            Err(status) => Err(status.message().to_owned()),
        };
        assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e));
    }

    #[test]
    fn a_mask_names_what_is_replaced() {
        check(&[], Ok([true, false, true]));
        check(&["*"], Ok([true, true, true]));
        check(&["size"], Ok([false, true, false]));
        check(&["name.first", "id"], Ok([true, false, true]));
        check(
            &["name", "key"],
            Err("invalid argument: update_mask: \"key\" cannot be updated: \
                 expected some of name, size"),
        );
    }
}
