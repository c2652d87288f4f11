//! Reading of a file: its rows in the terms of the catalogue, and the rows that are left out.

use std::collections::HashMap;

use csv::StringRecord;
use souk_values::Currency;

use super::{
    RejectedRow, UnreadableFile, encoding,
    item::Item,
    layout::{Dialect, Field, Layout},
    shopify, woocommerce,
};

/// Wrong quotation marks of a file. One that is never closed makes the rest of the file be read again.
const MAX_WRONG_QUOTES: usize = 100;

#[derive(Debug)]
pub(super) struct Sheet {
    pub layout: Layout,
    pub items: Vec<Item>,
    pub rejected: Vec<RejectedRow>,
}

/// Reads a file of any dialect, delimiter and encoding.
pub(super) fn read(file: &[u8], currency: Currency) -> Result<Sheet, UnreadableFile> {
    let decoded = encoding::decode(file)?;
    // The line by which Excel learns the delimiter.
    let (text, skipped) = match decoded.text.split_once('\n') {
        Some((first, rest)) if first.trim().to_ascii_lowercase().starts_with("sep=") => (rest, 1),
        _ => (decoded.text.as_ref(), 0),
    };
    let mut reading = Reading {
        layout: Layout::find(text)?,
        currency,
        is_damaged: decoded.is_damaged,
        items: Vec::new(),
        rejected: Vec::new(),
        ids: HashMap::new(),
    };
    reading.rows(text, skipped);
    let Reading { layout, mut items, rejected, ids, .. } = reading;
    woocommerce::join(&mut items, &ids);
    Ok(Sheet { layout, items, rejected })
}

struct Reading {
    layout: Layout,
    currency: Currency,
    is_damaged: bool,
    items: Vec<Item>,
    rejected: Vec<RejectedRow>,
    /// Handles of products by their ids in the file.
    ids: HashMap<String, String>,
}

impl Reading {
    fn rows(&mut self, text: &str, skipped: u64) {
        let (mut rest, mut line, mut has_headings) = (text, skipped, true);
        for number in 1..=MAX_WRONG_QUOTES {
            let Some((wrong, at)) = self.rows_until_wrong_quote(rest, line, has_headings) else { return };
            // The next line may be a row again.
            let after = wrong.split_once('\n').map(|(_, after)| after);
            let end =
                if number == MAX_WRONG_QUOTES && after.is_some() { "; the rest of the file was not read" } else { "" };
            let reason = format!("a quotation mark is not closed, or one within a text is not doubled{end}");
            self.rejected.push(RejectedRow { line: at, reason });
            let Some(after) = after else { return };
            (rest, line, has_headings) = (after, at, false);
        }
    }

    /// Reads rows until one with a wrong quotation mark, and returns the text from there with its line.
    fn rows_until_wrong_quote<'t>(&mut self, text: &'t str, before: u64, has_headings: bool) -> Option<(&'t str, u64)> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.layout.delimiter)
            .flexible(true)
            .has_headers(has_headings)
            .from_reader(text.as_bytes());
        let mut record = StringRecord::new();
        // The text is UTF-8, and rows may have any length: nothing else is an error.
        while reader.read_record(&mut record).unwrap_or(false) {
            let position = record.position().map_or((0, 0), |position| (position.byte(), position.line()));
            let start = usize::try_from(position.0).unwrap_or(text.len());
            let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
            let rest = text.get(start..).unwrap_or_default();
            // The reader may begin a row at the line end before it.
            let row = rest.trim_start_matches(['\r', '\n']);
            let skipped = rest.len() - row.len();
            let ends = rest.bytes().take(skipped).filter(|byte| *byte == b'\n').count();
            let line = before + position.1 + u64::try_from(ends).unwrap_or(0);
            let raw = text.get(start + skipped..end).unwrap_or_default();
            if raw.contains('"') && !is_quoted_right(raw, self.layout.delimiter) {
                return Some((row, line));
            }
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            match self.item(&record) {
                Ok(item) => self.items.push(Item { line, ..item }),
                Err(reason) => self.rejected.push(RejectedRow { line, reason }),
            }
        }
        None
    }

    fn item(&mut self, record: &StringRecord) -> Result<Item, String> {
        if self.is_damaged && record.iter().any(|cell| cell.contains('\u{fffd}')) {
            return Err("it is not UTF-8".to_owned());
        }
        if record.iter().skip(self.layout.width()).any(|cell| !cell.trim().is_empty()) {
            return Err(
                "it has more cells than the first line; put texts with the delimiter in quotation marks".to_owned()
            );
        }
        match self.layout.dialect {
            Dialect::Shopify => shopify::item(&self.layout, record, self.currency),
            Dialect::WooCommerce => {
                let item = woocommerce::item(&self.layout, record, self.currency)?;
                if self.layout.cell(record, Field::Parent).is_empty() {
                    self.ids.extend(woocommerce::id(&self.layout, record, &item));
                }
                Ok(item)
            }
        }
    }
}

/// Returns true if every quotation mark that begins a cell is closed at the end of the cell, and those within are doubled.
/// Within a cell that does not begin with one, it is an ordinary character.
fn is_quoted_right(row: &str, delimiter: u8) -> bool {
    let mut bytes = row.bytes().peekable();
    let is_end = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    while let Some(first) = bytes.next() {
        if first != b'"' {
            // The rest of a cell without quotation marks, unless this was its end.
            if !is_end(first) {
                while bytes.next().is_some_and(|byte| !is_end(byte)) {}
            }
            continue;
        }
        loop {
            match bytes.next() {
                None => return false,
                Some(b'"') if bytes.next_if_eq(&b'"').is_some() => {}
                Some(b'"') => break,
                Some(_) => {}
            }
        }
        if bytes.peek().is_some_and(|byte| !is_end(*byte)) {
            return false;
        }
    }
    true
}
