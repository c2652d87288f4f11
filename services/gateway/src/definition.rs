//! A predicate or a filter of a route as the configuration defines it, in either of Spring Cloud Gateway's forms.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A predicate or a filter: `Name=a,b`, or `name` with `args`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Name, such as `Path` or `StripPrefix`.
    pub name: String,
    args: Args,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Args {
    /// In the order of the arguments' names.
    Listed(Vec<String>),
    /// By the arguments' names; the values of a list with commas between.
    Named(BTreeMap<String, String>),
}

impl Definition {
    /// Returns the values of the arguments `known`; `None` for those that are left out.
    ///
    /// Errors: a sentence about an argument of another name, or too many of them.
    pub(crate) fn args<const N: usize>(&self, known: [&str; N]) -> Result<[Option<&str>; N], String> {
        let mut values = [None; N];
        match &self.args {
            Args::Listed(listed) if listed.len() > N => {
                return Err(format!("{self}: at most {N} arguments ({})", known.join(", ")));
            }
            Args::Listed(listed) => {
                for (value, given) in values.iter_mut().zip(listed) {
                    *value = Some(given.as_str()).filter(|text| !text.is_empty());
                }
            }
            Args::Named(named) => {
                self.refuse_others(named, &known)?;
                for (value, name) in values.iter_mut().zip(known) {
                    *value = named.get(name).map(String::as_str);
                }
            }
        }
        Ok(values)
    }

    /// Returns the values of the only argument, a list of at least one.
    ///
    /// Errors: a sentence about an argument of another name, or an empty list.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&str>, String> {
        let values: Vec<&str> = match &self.args {
            Args::Listed(listed) => listed.iter().map(String::as_str).collect(),
            Args::Named(named) => {
                self.refuse_others(named, &[name])?;
                named.values().flat_map(|values| values.split(',')).map(str::trim).collect()
            }
        };
        if values.is_empty() || values.contains(&"") {
            return Err(format!("{self}: needs {name}"));
        }
        Ok(values)
    }

    fn refuse_others(&self, named: &BTreeMap<String, String>, known: &[&str]) -> Result<(), String> {
        match named.keys().find(|key| !known.contains(&key.as_str())) {
            Some(other) => Err(format!("{}: unknown argument '{other}', known: {}", self.name, known.join(", "))),
            None => Ok(()),
        }
    }
}

impl From<&str> for Definition {
    fn from(text: &str) -> Self {
        let (name, args) = text.split_once('=').unwrap_or((text, ""));
        let listed =
            if args.is_empty() { Vec::new() } else { args.split(',').map(|arg| arg.trim().to_owned()).collect() };
        Self { name: name.trim().to_owned(), args: Args::Listed(listed) }
    }
}

impl From<String> for Definition {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.args {
            Args::Listed(listed) if listed.is_empty() => Ok(()),
            Args::Listed(listed) => write!(f, "={}", listed.join(",")),
            Args::Named(named) => {
                let pairs = named.iter().map(|(name, value)| format!("{name}={value}"));
                write!(f, " {{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Written in the form of Spring Cloud Gateway's actuator, in which arguments without a name are `_genkey_0` and so on.
impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Full<'a> {
            name: &'a str,
            args: BTreeMap<String, String>,
        }
        let args = match &self.args {
            Args::Listed(listed) => {
                listed.iter().enumerate().map(|(number, value)| (format!("_genkey_{number}"), value.clone())).collect()
            }
            Args::Named(named) => named.clone(),
        };
        Full { name: &self.name, args }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Short(String),
            Full {
                name: String,
                #[serde(default)]
                args: BTreeMap<String, Values>,
            },
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Values {
            One(Value),
            Many(Vec<Value>),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Number(serde_json::Number),
            Flag(bool),
        }
        let text = |value: Value| match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
        };
        let (name, args) = match Given::deserialize(deserializer) {
            Ok(Given::Short(text)) => return Ok(text.into()),
            Ok(Given::Full { name, args }) => (name, args),
            Err(_) => return Err(de::Error::custom("neither Name=arguments nor {name, args}")),
        };
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        let mut listed = Vec::new();
        for (key, values) in args {
            let value = match values {
                Values::One(one) => text(one),
                Values::Many(many) => many.into_iter().map(text).collect::<Vec<_>>().join(","),
            };
            // `patterns.0` and `patterns.1` are the values of the list `patterns`.
            let is_number = |end: &str| end.bytes().all(|byte| byte.is_ascii_digit());
            let key = key.rsplit_once('.').filter(|(_, end)| is_number(end)).map_or(key.as_str(), |(name, _)| name);
            if key.starts_with("_genkey_") {
                listed.push(value);
            } else {
                let known = named.entry(key.to_owned()).or_default();
                *known = if known.is_empty() { value } else { format!("{known},{value}") };
            }
        }
        let args = if named.is_empty() { Args::Listed(listed) } else { Args::Named(named) };
        Ok(Self { name, args })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Definition {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        for value in [
            json!("Header=X-Id, \\d+"),
            json!({"name": "Header", "args": {"header": "X-Id", "regexp": "\\d+"}}),
            json!({"name": "Header", "args": {"_genkey_0": "X-Id", "_genkey_1": "\\d+"}}),
        ] {
            let definition = read(value);
            assert_eq!(definition.args(["header", "regexp"]), Ok([Some("X-Id"), Some("\\d+")]), "{definition}");
        }
        for value in [
            json!("Path=/a,/b"),
            json!({"name": "Path", "args": {"patterns": ["/a", "/b"]}}),
            json!({"name": "Path", "args": {"patterns.0": "/a", "patterns.1": "/b"}}),
        ] {
            assert_eq!(read(value).list("patterns"), Ok(vec!["/a", "/b"]));
        }
        let numbers = read(json!({"name": "Weight", "args": {"group": "g", "weight": 8}}));
        assert_eq!(numbers.args(["group", "weight"]), Ok([Some("g"), Some("8")]));
        assert_eq!(read(json!("StripPrefix")).args(["parts"]), Ok([None]));
    }

    #[test]
    fn mistakes_are_described() {
        let named = read(json!({"name": "Weight", "args": {"grp": "g"}}));
        let mistake = named.args(["group", "weight"]).unwrap_err();
        assert_eq!(mistake, "Weight: unknown argument 'grp', known: group, weight");
        assert_eq!(Definition::from("A=1,2,3").args(["x"]).unwrap_err(), "A=1,2,3: at most 1 arguments (x)");
        assert_eq!(Definition::from("Path").list("patterns").unwrap_err(), "Path: needs patterns");
        assert!(serde_json::from_value::<Definition>(json!(7)).is_err());
    }

    #[test]
    fn it_is_written_as_the_actuator_writes_it() {
        let written = serde_json::to_value(Definition::from("Path=/a,/b")).unwrap();
        assert_eq!(written, json!({"name": "Path", "args": {"_genkey_0": "/a", "_genkey_1": "/b"}}));
        assert_eq!(read(written), Definition::from("Path=/a,/b"));
    }
}
