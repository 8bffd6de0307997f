//! Groups, as `add-group` takes them.

use std::str::FromStr;

use super::action::{action, list};
use super::field::by_any_name;
use super::names::port;
use super::scope::Scope;
use super::{Failure, ParseError, Parsed, assigned, fail, integer, next_item, whole, word};
use crate::text::Naming;
use crate::text::group::{TYPES, default_weight};
use crate::{Bucket, Group, GroupType, Names};

impl FromStr for Group {
    type Err = ParseError;

    /// Reads a line of `dump-groups`, or the group that `add-group` takes.
    ///
    /// `selection_method`, its parameter and fields, and `bucket_id` are read past: OpenFlow 1.3 has
    /// no place for them, and `ovs-ofctl -O OpenFlow13` leaves them out, too.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text, |input| group(input, Naming::default()))
    }
}

impl Group {
    /// Reads what [`str::parse`] does, and ports and tables by these names.
    ///
    /// # Errors
    ///
    /// Where the text is none of that.
    pub fn parse_named(text: &str, names: &dyn Names) -> Result<Self, ParseError> {
        whole(text, |input| group(input, Naming(Some(names))))
    }
}

/// A bucket whose weight depends on its group's type unless it is told.
struct Weighed(Bucket, Option<u16>);

fn group<'a>(mut input: &'a str, naming: Naming<'_>) -> Parsed<'a, Group> {
    let (mut group_id, mut group_type) = (None, None);
    let mut buckets: Vec<Weighed> = Vec::new();
    let mut selection = Selection::default();
    while let Some(item) = next_item(input) {
        let (rest, name) = word(item)?;
        if name == "fields" {
            input = selection.fields(rest)?;
            continue;
        }
        let Some(value) = rest.strip_prefix('=') else { return fail(rest, "`=`") };
        input = match name {
            "group_id" => number(value, &mut group_id)?,
            "type" => {
                let (rest, named) = read_type(value)?;
                group_type = Some(named);
                rest
            }
            "selection_method" => selection.method(value)?,
            "selection_method_param" => {
                selection.param_at = Some(value);
                number(value, &mut None::<u64>)?
            }
            "bucket" | "buckets" => {
                let (rest, bucket) = bucket(value, naming)?;
                buckets.push(bucket);
                rest
            }
            _ => return fail(item, "`group_id`, `type`, `selection_method` or `bucket`"),
        };
    }
    let Some(group_id) = group_id else { return fail("", "`group_id=`") };
    let Some(group_type) = group_type else { return fail("", "`type=`") };
    selection.check()?;
    let weigh = |Weighed(bucket, weight): Weighed| Bucket {
        weight: weight.unwrap_or(default_weight(group_type)),
        ..bucket
    };
    let buckets = buckets.into_iter().map(weigh).collect();
    Ok(("", Group { group_id, group_type, buckets }))
}

/// How packets choose a bucket, which only later versions of OpenFlow can tell.
#[derive(Default)]
struct Selection<'a> {
    method: Option<&'a str>,
    param_at: Option<&'a str>,
    fields_at: Option<&'a str>,
}

impl<'a> Selection<'a> {
    /// A method's name.
    fn method(&mut self, input: &'a str) -> Result<&'a str, nom::Err<Failure<'a>>> {
        const MAX: usize = 15;
        let (rest, method) = word(input)?;
        if method.len() > MAX {
            return fail(input, "a name of at most 15 letters");
        }
        self.method = Some(method);
        Ok(rest)
    }

    /// `(FIELD[=MASK],…)` or `=FIELD`.
    fn fields(&mut self, input: &'a str) -> Result<&'a str, nom::Err<Failure<'a>>> {
        self.fields_at = Some(input);
        if let Some(name_at) = input.strip_prefix('=') {
            return field(name_at);
        }
        list(input, |input| {
            let rest = field(input)?;
            if rest.starts_with('=') { Ok(assigned(rest)?.0) } else { Ok(rest) }
        })
    }

    /// Checks that what there is belongs together.
    fn check(&self) -> Result<(), nom::Err<Failure<'a>>> {
        match (self.method, self.fields_at, self.param_at) {
            (Some("hash"), ..) | (_, None, None) | (Some(_), None, _) => Ok(()),
            (_, Some(at), _) => fail(at, "`fields` with `selection_method=hash`"),
            (_, _, Some(at)) => fail(at, "`selection_method` besides"),
        }
    }
}

/// The name of a field.
fn field(input: &str) -> Result<&str, nom::Err<Failure<'_>>> {
    let (rest, name) = word(input)?;
    if by_any_name(name).is_some() { Ok(rest) } else { fail(input, "a field's name") }
}

fn read_type(input: &str) -> Parsed<'_, GroupType> {
    let (rest, name) = word(input)?;
    if let Some((group_type, _)) = TYPES.iter().find(|(_, known)| *known == name) {
        return Ok((rest, *group_type));
    }
    if name == "fast_failover" {
        return Ok((rest, GroupType::FAST_FAILOVER));
    }
    match name.parse() {
        Ok(number) => Ok((rest, GroupType(number))),
        Err(_) => fail(input, "`all`, `select`, `indirect`, `ff` or a type's number"),
    }
}

/// Reads `key:value` or `key=value` pairs and actions, which go on to the next bucket.
fn bucket<'a>(mut input: &'a str, naming: Naming<'_>) -> Parsed<'a, Weighed> {
    let mut bucket = Bucket::new(Vec::new());
    let mut weight = None;
    loop {
        let name_end = input.find([':', '=']).unwrap_or(input.len());
        let (name, rest) = input.split_at(name_end);
        let value = rest.get(1..).unwrap_or("");
        let rest = match name {
            "weight" => number(value, &mut weight)?,
            "bucket_id" => number(value, &mut None::<u32>)?,
            "watch_port" => {
                let (rest, watched) = port(value, naming)?;
                bucket.watch_port = watched;
                rest
            }
            "watch_group" => {
                let mut watched = None;
                let rest = number(value, &mut watched)?;
                bucket.watch_group = watched.unwrap_or(Group::ANY);
                rest
            }
            "actions" | "action" => return actions(value, Weighed(bucket, weight), naming),
            _ => return actions(input, Weighed(bucket, weight), naming),
        };
        let Some(next) = rest.strip_prefix(',') else { return fail(rest, "`,` and actions") };
        input = next.trim_start();
    }
}

/// Reads the actions of a bucket, which may be none.
fn actions<'a>(
    mut input: &'a str,
    Weighed(mut bucket, weight): Weighed,
    naming: Naming<'_>,
) -> Parsed<'a, Weighed> {
    if let Some(rest) = input.strip_prefix("drop") {
        return Ok((rest, Weighed(bucket, weight)));
    }
    while !ends(input) {
        let rest = action(input.trim_start(), &Scope::named(naming), &mut bucket.actions)?;
        input = match rest.strip_prefix(',') {
            Some(next) => next,
            None => return Ok((rest, Weighed(bucket, weight))),
        };
    }
    Ok((input, Weighed(bucket, weight)))
}

/// No more actions: the text's end, or the next bucket.
fn ends(input: &str) -> bool {
    let input = input.trim_start_matches([' ', ',']);
    input.is_empty() || input.starts_with("bucket")
}

/// Reads a number into `target`.
fn number<'a, T: TryFrom<u128>>(
    input: &'a str,
    target: &mut Option<T>,
) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (rest, number) = integer(input)?;
    *target = Some(number);
    Ok(rest)
}
