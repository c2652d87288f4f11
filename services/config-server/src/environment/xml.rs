//! Parses Java's XML form of properties: `<properties><entry key="a.b">c</entry></properties>`.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{
    document::{Document, DocumentBuilder, ParseError},
    property_sources::{Position, Property},
    scalar::Scalar,
};

/// Returns the only document of a file. Entities other than XML's own five and character references are refused, so
/// that no other file is read and the text cannot multiply.
pub(super) fn parse(text: &str) -> Result<Document, ParseError> {
    let mut reader = Reader::from_str(text);
    let mut parser = PropertiesParser::default();
    let mut read = 0;
    let mut line = 1;
    loop {
        let event = reader.read_event();
        let end = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        line += text.get(read..end).unwrap_or_default().matches('\n').count();
        read = read.max(end);
        let failed = |cause: String| ParseError::at(line, cause);
        match event.map_err(|error| failed(error.to_string()))? {
            Event::Eof if parser.state == State::After => return Ok(parser.properties.finish()),
            Event::Eof => return Err(failed("the file ends before </properties>".to_owned())),
            event => parser.take(event, line).map_err(|cause| failed(cause.to_owned()))?,
        }
    }
}

/// The part of the document in which the parser is.
#[derive(Default, PartialEq)]
enum State {
    #[default]
    Before,
    Properties,
    Comment,
    Entry,
    After,
}

#[derive(Default)]
struct PropertiesParser {
    state: State,
    key: String,
    value: String,
    line: usize,
    properties: DocumentBuilder,
}

impl PropertiesParser {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), &'static str> {
        match event {
            Event::Start(tag) => self.open(&tag, line),
            Event::Empty(tag) => {
                self.open(&tag, line)?;
                self.close()
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let number = entity.resolve_char_ref().map_err(|_| "a character reference is malformed")?;
                if let Some(letter) = number {
                    return self.text(letter.encode_utf8(&mut [0; 4]));
                }
                let text = resolve_predefined_entity(&entity.xml10_content());
                self.text(text.ok_or("an entity is unknown: only &lt; &gt; &amp; &quot; &apos; are known")?)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: usize) -> Result<(), &'static str> {
        self.state = match (&self.state, tag.name().as_ref()) {
            (State::Before, "properties") => State::Properties,
            (State::Properties, "comment") => State::Comment,
            (State::Properties, "entry") => {
                let attribute = tag.try_get_attribute("key").map_err(|_| "an attribute is malformed")?;
                let key = attribute.ok_or("an entry has no attribute key")?;
                let key =
                    key.normalized_value(XmlVersion::Implicit1_0).map_err(|_| "the attribute key is malformed")?;
                self.key = key.into_owned();
                self.line = line;
                State::Entry
            }
            _ => return Err("the file is not <properties> with <entry key=\"..\"> in it"),
        };
        Ok(())
    }

    fn close(&mut self) -> Result<(), &'static str> {
        self.state = match self.state {
            State::Properties => State::After,
            State::Comment => State::Properties,
            State::Entry => {
                let value = Scalar::Text(std::mem::take(&mut self.value));
                let at = Some(Position { line: self.line, column: 1 });
                self.properties.put(Property { key: std::mem::take(&mut self.key), value, at });
                State::Properties
            }
            State::Before | State::After => return Err("a closing tag has no opening one"),
        };
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), &'static str> {
        match self.state {
            State::Entry => self.value.push_str(text),
            State::Comment => {}
            _ if text.trim().is_empty() => {}
            _ => return Err("there is text outside of the entries"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|property| (property.key, property.value.to_string())).collect()
    }

    #[test]
    fn entries_are_read() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\">\n\
            <properties>\n<comment>none</comment>\n<entry key=\"a.b\">1 &lt; 2 &#233;</entry>\n\
            <entry key=\"c\"/><entry key=\"d\"><![CDATA[<x>]]></entry><entry key=\"a.b\">last</entry></properties>\n";
        let expected = [("a.b", "last"), ("c", ""), ("d", "<x>")];
        assert_eq!(pairs(text), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let text = text.replace("<entry key=\"a.b\">last</entry>", "");
        assert_eq!(pairs(&text)[0].1, "1 < 2 \u{e9}");
        assert_eq!(parse(&text).unwrap()[0].at.unwrap().line, 5);
    }

    #[test]
    fn other_files_are_refused_with_the_line_of_the_mistake() {
        for text in [
            "",
            "<properties>",
            "\n<other/>",
            "<properties><entry>1</entry></properties>",
            "<properties>text</properties>",
            "<properties><entry key=\"a\"><b/></entry></properties>",
            "<properties><entry key=\"a\">1</properties>",
            "<properties/><properties/>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("<properties>\n<other/></properties>").unwrap_err().line, Some(2));
    }

    #[test]
    fn entities_read_no_other_file_and_do_not_multiply() {
        for entity in ["SYSTEM \"file:///etc/passwd\"", "\"&x;&x;\""] {
            let text = format!(
                "<!DOCTYPE properties [<!ENTITY x {entity}>]><properties><entry key=\"a\">&x;</entry></properties>"
            );
            assert!(parse(&text).unwrap_err().cause.contains("entity"));
        }
    }
}
