//! Weft's gRPC API: the types, clients and servers generated from the `.proto`
//! files in `weft/v1`, which are its documentation.

/// Package `weft.v1`.
#[allow(clippy::large_enum_variant, reason = "generated: as the .proto files say")]
pub mod v1 {
    tonic::include_proto!("weft.v1");
}

/// The package's encoded `google.protobuf.FileDescriptorSet`, imports and
/// comments included, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("weft.v1");

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

    use super::*;

    /// Paths in a file's source information are field numbers of
    /// `FileDescriptorProto` and indexes, alternately.
    const MESSAGES: i32 = 4;
    const SERVICES: i32 = 6;
    const FIELDS: i32 = 2;
    const METHODS: i32 = 2;
    const NESTED: i32 = 3;

    fn files() -> Vec<FileDescriptorProto> {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        set.file.into_iter().filter(|file| file.package() == "weft.v1").collect()
    }

    /// The names of everything in `message` that has no comment.
    fn uncommented(
        file: &FileDescriptorProto,
        message: &DescriptorProto,
        path: &[i32],
        missing: &mut Vec<String>,
    ) {
        if message.options.as_ref().is_some_and(|options| options.map_entry()) {
            return;
        }
        if !has_comment(file, path) {
            missing.push(message.name().to_owned());
        }
        for (index, field) in message.field.iter().enumerate() {
            if !has_comment(file, &[path, &[FIELDS, index as i32]].concat()) {
                missing.push(format!("{}.{}", message.name(), field.name()));
            }
        }
        for (index, nested) in message.nested_type.iter().enumerate() {
            uncommented(file, nested, &[path, &[NESTED, index as i32]].concat(), missing);
        }
    }

    fn has_comment(file: &FileDescriptorProto, path: &[i32]) -> bool {
        file.source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .any(|location| location.path == path && !location.leading_comments().is_empty())
    }

    #[test]
    fn reflection_serves_a_comment_for_everything() {
        let mut missing = Vec::new();
        for file in &files() {
            for (index, message) in file.message_type.iter().enumerate() {
                uncommented(file, message, &[MESSAGES, index as i32], &mut missing);
            }
            for (index, service) in file.service.iter().enumerate() {
                for (method, descriptor) in service.method.iter().enumerate() {
                    let path = [SERVICES, index as i32, METHODS, method as i32];
                    if !has_comment(file, &path) {
                        missing.push(format!("{}.{}", service.name(), descriptor.name()));
                    }
                }
            }
        }
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn resources_begin_alike() {
        let common = ["id", "key", "name", "description", "labels", "create_time"];
        let common = common.into_iter().chain(["update_time", "etag", "revision"]);
        let common: Vec<_> = common.zip(1..).collect();
        let mut resources = Vec::new();
        for file in files() {
            for message in file.message_type.iter().filter(|m| m.field.iter().any(is_etag)) {
                let fields = message.field.iter().map(|field| (field.name(), field.number()));
                if message.name().ends_with("Request") {
                    continue;
                }
                assert_eq!(fields.take(common.len()).collect::<Vec<_>>(), common);
                resources.push(message.name().to_owned());
            }
        }
        resources.sort();
        let expected =
            ["AddressGroup", "Host", "Network", "Port", "Project", "SecurityGroup", "Subnet"];
        assert_eq!(resources, expected);
    }

    fn is_etag(field: &prost_types::FieldDescriptorProto) -> bool {
        field.name() == "etag"
    }
}
