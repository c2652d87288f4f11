//! Fields whose schema is inlined, such as those of [`crate::text::Line`], with their description beside the type.

use std::collections::BTreeMap;

use utoipa::openapi::{
    RefOr, Schema,
    schema::{Object, SchemaType, Type},
};

/// Writes each inlined text or map of `schemas` as one schema. utoipa wraps it in `allOf` with its description, or in `oneOf`
/// with `null`, which readers and generators of clients show as a composition of two types.
pub(super) fn unwrap(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for field in object.properties.values_mut() {
            if let Some(inlined) = unwrapped(field) {
                *field = RefOr::T(Schema::Object(inlined));
            }
        }
    }
}

fn unwrapped(field: &RefOr<Schema>) -> Option<Object> {
    let RefOr::T(field) = field else { return None };
    match field {
        Schema::AllOf(all) => {
            let [inlined, RefOr::T(Schema::Object(note))] = all.items.as_slice() else { return None };
            let (mut inlined, _) = typed(inlined)?;
            inlined.description.clone_from(&note.description);
            Some(inlined)
        }
        Schema::OneOf(one) => {
            let [first, second] = one.items.as_slice() else { return None };
            let (mut inlined, kind) =
                if is_null(first) { typed(second) } else { typed(first).filter(|_| is_null(second)) }?;
            inlined.schema_type = SchemaType::from_iter([kind, Type::Null]);
            inlined.description.clone_from(&one.description);
            Some(inlined)
        }
        _ => None,
    }
}

fn typed(schema: &RefOr<Schema>) -> Option<(Object, Type)> {
    let RefOr::T(Schema::Object(object)) = schema else { return None };
    match &object.schema_type {
        SchemaType::Type(kind) => Some((object.clone(), kind.clone())),
        SchemaType::Array(_) | SchemaType::AnyValue => None,
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
