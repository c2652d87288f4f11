//! The archive of the built web shop: a TAR file in the binary, whose text files are stored compressed.

use std::{borrow::Cow, collections::BTreeMap, io};

use tar::Archive;

/// The archive of the web shop cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive of the web shop cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the archive of the web shop lacks {0}: build it with `make web`")]
    Lacks(String),
    #[error("{0} in the archive of the web shop cannot be used: {1}")]
    Invalid(&'static str, String),
}

/// The members of the archive by their names, as they are stored.
#[derive(Debug)]
pub(super) struct Members(pub BTreeMap<String, &'static [u8]>);

impl Members {
    /// Removes and returns a member that is stored uncompressed.
    pub fn take(&mut self, name: &str) -> Result<Cow<'static, [u8]>, ArchiveError> {
        self.0.remove(name).map(Cow::Borrowed).ok_or_else(|| ArchiveError::Lacks(name.to_owned()))
    }

    pub fn take_text(&mut self, name: &str) -> Result<String, ArchiveError> {
        Ok(String::from_utf8_lossy(&self.take(name)?).into_owned())
    }
}

pub(super) fn read(archive: &'static [u8]) -> Result<Members, ArchiveError> {
    let mut members = BTreeMap::new();
    for entry in Archive::new(archive).entries()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        // In place: the archive is a part of the binary.
        let start = usize::try_from(entry.raw_file_position()).map_err(io::Error::other)?;
        let length = usize::try_from(entry.size()).map_err(io::Error::other)?;
        let body = start.checked_add(length).and_then(|end| archive.get(start..end));
        members.insert(name, body.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
    }
    Ok(Members(members))
}
