//! Reads a registration by converting it to the equivalent JSON, so that both formats share defaults and leniency.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

use super::names;
use crate::{InstanceInfo, Malformed};

/// Maximum depth of elements; an instance is three elements deep.
const MAX_DEPTH: usize = 32;

/// Reads the body of a registration, `<instance>` in UTF-8. Unknown elements are ignored; absent fields get their
/// defaults, and timestamps that are absent become `now_ms`.
///
/// Errors: also for document types, and for entities other than XML's own five (no entity expansion attacks).
pub fn read_registration(body: &[u8], now_ms: i64) -> Result<InstanceInfo, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed("the XML must be in UTF-8".to_owned()))?;
    let root = parse(text.trim_start_matches('\u{feff}'))?;
    if root.name != "instance" {
        return Err(Malformed(format!("expected <instance>, found <{}>", excerpt(&root.name))));
    }
    InstanceInfo::from_json(&instance(&root), now_ms)
}

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns an integer as a number, and anything else as a string, which the JSON reader rejects.
    fn number(&self) -> Value {
        let text = self.text.trim();
        text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
    }

    fn text(&self) -> Value {
        Value::from(self.text.as_str())
    }

    /// Returns the children as an object, each converted by `read`. Of children with the same name the last one wins.
    fn object(&self, read: impl Fn(&Element) -> Value) -> Map<String, Value> {
        self.children.iter().map(|child| (child.name.clone(), read(child))).collect()
    }
}

fn instance(root: &Element) -> Value {
    let fields = root.object(|field| match field.name.as_str() {
        "port" | "securePort" => port(field),
        "dataCenterInfo" => data_center(field),
        "leaseInfo" => Value::Object(field.object(Element::number)),
        "metadata" => metadata(field),
        "countryId" => field.number(),
        "status"
        | "overriddenstatus"
        | "overriddenStatus"
        | "isCoordinatingDiscoveryServer"
        | "lastUpdatedTimestamp"
        | "lastDirtyTimestamp"
        | "actionType" => Value::from(field.text.trim()),
        _ => field.text(),
    });
    Value::Object(fields)
}

fn port(element: &Element) -> Value {
    let mut port = Map::from_iter([("$".to_owned(), element.number())]);
    if let Some(is_enabled) = element.attribute("enabled") {
        port.insert("@enabled".to_owned(), Value::from(is_enabled.trim()));
    }
    Value::Object(port)
}

fn data_center(element: &Element) -> Value {
    let mut fields = element.object(|part| if part.name == "metadata" { metadata(part) } else { part.text() });
    if let Some(class) = element.attribute("class") {
        fields.insert("@class".to_owned(), Value::from(class));
    }
    Value::Object(fields)
}

fn metadata(element: &Element) -> Value {
    element.children.iter().map(|entry| (names::decode(&entry.name), entry.text())).collect()
}

/// Parses a document into its root element.
fn parse(text: &str) -> Result<Element, Malformed> {
    let mut reader = Reader::from_str(text);
    // The elements that are open, outermost first. The first is a frame that receives the root once it is closed.
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| malformed(&error))? {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(Malformed(format!("the XML is more than {MAX_DEPTH} elements deep")));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => close(&mut open, element(&start)?),
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    close(&mut open, done);
                }
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content()),
            Event::CData(text) => add_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => add_text(&mut open, resolve(&reference)?.encode_utf8(&mut [0; 4])),
            Event::DocType(_) => return Err(Malformed("a document type declaration is not allowed".to_owned())),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    // A complete document leaves only the frame, with one child and no text.
    match (open.pop(), open.is_empty()) {
        (Some(mut frame), true) if frame.children.len() == 1 && frame.text.trim().is_empty() => {
            Ok(frame.children.pop().unwrap_or_default())
        }
        (_, false) => Err(Malformed("the XML ends too early".to_owned())),
        _ => Err(Malformed("the XML must consist of one root element".to_owned())),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Malformed> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| malformed(&error))?;
        attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    Ok(Element { name: start.name().0.to_owned(), attributes, ..Element::default() })
}

fn close(open: &mut [Element], done: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(done);
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| malformed(&error))? {
        return Ok(letter);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        name => Err(Malformed(format!("unknown entity &{};", excerpt(name)))),
    }
}

/// Returns the beginning of a text, for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

fn malformed(error: &dyn std::fmt::Display) -> Malformed {
    Malformed(format!("invalid XML: {error}"))
}
