//! The response body of an environment. Unlike `serde_json::Value`, which sorts the keys of an object, it keeps the
//! properties in the order of their file, as Spring's server does.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    error::EnvironmentError,
    property_sources::{Environment, Property, PropertySource},
};

/// The two forms of the values in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyVersion {
    /// Plain values.
    V1,
    /// Each value with its origin.
    V2,
}

impl Environment {
    /// Returns the response body as JSON text.
    pub(crate) fn body(&self, version: BodyVersion) -> Result<String, EnvironmentError> {
        let body = EnvironmentBody {
            name: &self.name,
            profiles: &self.profiles,
            label: self.label.as_deref(),
            version: self.version.as_deref(),
            state: (),
            property_sources: self
                .property_sources
                .iter()
                .map(|source| SourceBody { name: &source.name, source: OrderedProperties { source, version } })
                .collect(),
        };
        serde_json::to_string(&body).map_err(|error| EnvironmentError::Unwritable(error.to_string()))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentBody<'e> {
    name: &'e str,
    profiles: &'e [String],
    label: Option<&'e str>,
    version: Option<&'e str>,
    /// Always null: the state of a Vault backend in Spring.
    state: (),
    property_sources: Vec<SourceBody<'e>>,
}

#[derive(Serialize)]
struct SourceBody<'e> {
    name: &'e str,
    source: OrderedProperties<'e>,
}

/// The properties of a source as a JSON object in the file's order.
struct OrderedProperties<'e> {
    source: &'e PropertySource,
    version: BodyVersion,
}

impl Serialize for OrderedProperties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let properties = self.source.source.iter();
        match self.version {
            BodyVersion::V1 => serializer.collect_map(properties.map(|one| (&one.key, one.value.to_json()))),
            BodyVersion::V2 => {
                serializer.collect_map(properties.map(|one| (&one.key, ValueWithOrigin::of(self.source, one))))
            }
        }
    }
}

#[derive(Serialize)]
struct ValueWithOrigin {
    value: Value,
    /// `{source}:{line}:{column}`, or the source's name for a value of unknown position.
    origin: String,
}

impl ValueWithOrigin {
    fn of(source: &PropertySource, property: &Property) -> Self {
        let origin = match property.at {
            Some(at) => format!("{}:{}:{}", source.name, at.line, at.column),
            None => source.name.clone(),
        };
        Self { value: property.value.to_json(), origin }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::scalar::Scalar, *};
    use crate::environment::property_sources::Position;

    fn environment() -> Environment {
        let at = Some(Position { line: 3, column: 7 });
        let property = |key: &str, value, at| Property { key: key.to_owned(), value, at };
        Environment {
            name: "shop".into(),
            profiles: vec!["dev".into()],
            label: None,
            version: Some("c0ffee".into()),
            property_sources: vec![PropertySource {
                name: "file:///repo/shop.yml".into(),
                source: vec![
                    property("user", Scalar::Text("ann".into()), at),
                    property("port", Scalar::Integer(8080), None),
                    property("list[1]", Scalar::Float(f64::INFINITY), at),
                    property("list[0]", Scalar::Bool(true), at),
                ],
            }],
        }
    }

    #[test]
    fn version_1_has_plain_values_in_the_order_of_the_file() {
        let expected = concat!(
            r#"{"name":"shop","profiles":["dev"],"label":null,"version":"c0ffee","state":null,"#,
            r#""propertySources":[{"name":"file:///repo/shop.yml","#,
            r#""source":{"user":"ann","port":8080,"list[1]":"Infinity","list[0]":true}}]}"#,
        );
        assert_eq!(environment().body(BodyVersion::V1).unwrap(), expected);
    }

    #[test]
    fn version_2_has_the_origin_of_each_value() {
        let body = environment().body(BodyVersion::V2).unwrap();
        let expected = concat!(
            r#""source":{"user":{"value":"ann","origin":"file:///repo/shop.yml:3:7"},"#,
            r#""port":{"value":8080,"origin":"file:///repo/shop.yml"},"list[1]":{"#,
        );
        assert!(body.contains(expected), "{body}");
    }
}
