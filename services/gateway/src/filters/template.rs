//! A text with variables of the path pattern: `/orders/{id}`.

use http::HeaderValue;

use super::Variables;

#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Errors: a brace without its other one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("'{text}' has a '{{' without '}}'"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    pub fn has_variables(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Variable(_)))
    }

    /// Returns the text; a variable that the pattern does not have is empty.
    pub fn fill(&self, variables: &Variables<'_>) -> String {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Variable(name) => value(name),
            })
            .collect()
    }

    /// Returns the text as the value of a header; `None` if it cannot be one.
    pub fn header(&self, variables: &Variables<'_>) -> Option<HeaderValue> {
        HeaderValue::try_from(self.fill(variables)).ok()
    }
}
