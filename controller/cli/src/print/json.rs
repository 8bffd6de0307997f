//! Any message of the API as JSON, by its descriptor.
//!
//! Field names are those of the `.proto` files, in the order of their numbers;
//! every field is there, `null` where it has no value. Enum values are names,
//! times RFC 3339, 64-bit numbers are numbers. A protobuf JSON parser reads it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage as _, Value,
};
use serde::ser::{Error as _, SerializeMap as _, Serializer};
use serde::{Serialize, ser::SerializeSeq as _};

/// A message, to be serialised.
pub(crate) struct Json(DynamicMessage);

impl Json {
    /// `message` as JSON.
    pub(crate) fn new<M: Message + Name>(message: &M) -> Self {
        Self(dynamic(message))
    }
}

/// The message that `text` is the JSON of, as protobuf has it: fields by the names of the
/// `.proto` files or in lowerCamelCase.
pub(crate) fn parse<M: Message + Name + Default>(text: &str) -> Result<M, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor::<M>(), &mut deserializer)?;
    deserializer.end()?;
    Ok(message.transcode_to().expect("a message of the descriptor of its own type"))
}

fn descriptor<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name())
        .expect("the descriptor set is of the same files as the types")
}

/// `message` with its descriptor.
pub(crate) fn dynamic<M: Message + Name>(message: &M) -> DynamicMessage {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    dynamic.transcode_from(message).expect("a message reads what it has written itself");
    dynamic
}

/// A time as RFC 3339, if `message` is one.
pub(crate) fn time(message: &DynamicMessage) -> Option<String> {
    if message.descriptor().full_name() != "google.protobuf.Timestamp" {
        return None;
    }
    message.transcode_to::<prost_types::Timestamp>().ok().map(|time| time.to_string())
}

/// The name of an enum's value, or its number where this version has no name.
pub(crate) fn enum_name(kind: &Kind, number: i32) -> String {
    let value = kind.as_enum().and_then(|kind| kind.get_value(number));
    value.map_or_else(|| number.to_string(), |value| value.name().to_owned())
}

/// The map's entries, sorted, with the kind of its values.
pub(crate) fn entries<'a>(
    kind: &Kind,
    map: &'a std::collections::HashMap<MapKey, Value>,
) -> (Kind, BTreeMap<String, &'a Value>) {
    let entry = kind.as_message().expect("a map field's kind is its entry message");
    let sorted = map.iter().map(|(key, value)| (key_text(key), value)).collect();
    (entry.map_entry_value_field().kind(), sorted)
}

/// Whether the field can be without a value, and is.
pub(crate) fn is_unset(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    field.supports_presence() && !message.has_field(field)
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Node { kind: &Kind::Message(self.0.descriptor()), value: &Value::Message(self.0.clone()) }
            .serialize(serializer)
    }
}

/// A value with the kind that its field declares.
struct Node<'a> {
    kind: &'a Kind,
    value: &'a Value,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::U64(value) => serializer.serialize_u64(*value),
            Value::F32(value) => serializer.serialize_f32(*value),
            Value::F64(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(_) => Err(S::Error::custom("the API has no field of bytes")),
            Value::EnumNumber(number) => serializer.serialize_str(&enum_name(self.kind, *number)),
            Value::Message(message) => match time(message) {
                Some(time) => serializer.serialize_str(&time),
                None => object(message, serializer),
            },
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Node { kind: self.kind, value })?;
                }
                list.end()
            }
            Value::Map(values) => {
                let (kind, values) = entries(self.kind, values);
                serializer.collect_map(
                    values.into_iter().map(|(key, value)| (key, Node { kind: &kind, value })),
                )
            }
        }
    }
}

fn object<S: Serializer>(message: &DynamicMessage, serializer: S) -> Result<S::Ok, S::Error> {
    let descriptor = message.descriptor();
    let mut object = serializer.serialize_map(Some(descriptor.fields().len()))?;
    for field in descriptor.fields() {
        if is_unset(message, &field) {
            object.serialize_entry(field.name(), &())?;
        } else {
            let node = Node { kind: &field.kind(), value: &message.get_field(&field) };
            object.serialize_entry(field.name(), &node)?;
        }
    }
    object.end()
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)
        .expect("the descriptor set was written by the build of the same crate")
});
