//! Fields whose schema is inlined, such as those of [`crate::text::Line`], with their description beside the type.

use std::collections::BTreeMap;

use utoipa::openapi::{
    RefOr, Schema,
    schema::{Object, SchemaType, Type},
};

/// Writes each inlined text of `schemas` as one schema. utoipa wraps it in `allOf` with its description, or in `oneOf`
/// with `null`, which readers and generators of clients show as a composition of two types.
pub(super) fn unwrap(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for field in object.properties.values_mut() {
            if let Some(text) = unwrapped(field) {
                *field = RefOr::T(Schema::Object(text));
            }
        }
    }
}

fn unwrapped(field: &RefOr<Schema>) -> Option<Object> {
    let RefOr::T(field) = field else { return None };
    match field {
        Schema::AllOf(all) => {
            let [text, RefOr::T(Schema::Object(note))] = all.items.as_slice() else { return None };
            let mut text = text_of(text)?;
            text.description.clone_from(&note.description);
            Some(text)
        }
        Schema::OneOf(one) => {
            let [first, second] = one.items.as_slice() else { return None };
            let mut text = if is_null(first) { text_of(second) } else { text_of(first).filter(|_| is_null(second)) }?;
            text.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
            text.description.clone_from(&one.description);
            Some(text)
        }
        _ => None,
    }
}

fn text_of(schema: &RefOr<Schema>) -> Option<Object> {
    let RefOr::T(Schema::Object(object)) = schema else { return None };
    (object.schema_type == SchemaType::Type(Type::String)).then(|| object.clone())
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
