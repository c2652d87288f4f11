//! The labels that every series of one guarded call carries.

use metrics::Label;

/// Whose call it is, and what is called.
pub(crate) struct Series {
    pub service: String,
    pub name: String,
}

impl Series {
    pub fn labels(&self) -> Vec<Label> {
        vec![Label::new("service", self.service.clone()), Label::new("name", self.name.clone())]
    }

    /// The labels and one more, such as `kind`.
    pub fn labels_and(&self, key: &'static str, value: &'static str) -> Vec<Label> {
        let mut labels = self.labels();
        labels.push(Label::from_static_parts(key, value));
        labels
    }
}
