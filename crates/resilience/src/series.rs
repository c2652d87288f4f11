//! The labels common to all metrics of this crate.

use metrics::Label;

/// The caller and the target of the guarded calls, as metric labels.
pub(crate) struct Series {
    pub service: String,
    pub name: String,
}

impl Series {
    pub fn labels(&self) -> Vec<Label> {
        vec![Label::new("service", self.service.clone()), Label::new("name", self.name.clone())]
    }

    /// Returns the labels and an additional one, such as `kind`.
    pub fn labels_and(&self, key: &'static str, value: &'static str) -> Vec<Label> {
        let mut labels = self.labels();
        labels.push(Label::from_static_parts(key, value));
        labels
    }
}
