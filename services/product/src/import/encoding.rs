//! Character encoding of a file, recognized by its content.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::UnreadableFile;

/// First bytes of ZIP archives, which .xlsx and .ods files are, and of .xls files.
const SPREADSHEETS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
/// Bytes at the beginning that UTF-16 without a byte order mark is recognized by.
const SAMPLE: usize = 512;

#[derive(Debug)]
pub(super) struct Decoded<'f> {
    pub text: Cow<'f, str>,
    /// True for UTF-8 with invalid bytes, which are U+FFFD in the text.
    pub is_damaged: bool,
}

/// Decodes UTF-8 and UTF-16 with and without byte order mark, Windows-1252 and its relatives.
///
/// Errors: the file is a spreadsheet.
pub(super) fn decode(file: &[u8]) -> Result<Decoded<'_>, UnreadableFile> {
    if SPREADSHEETS.iter().any(|beginning| file.starts_with(beginning)) {
        return Err(UnreadableFile::Spreadsheet);
    }
    if let Some((encoding, length)) = Encoding::for_bom(file) {
        return Ok(decoded(encoding, file.get(length..).unwrap_or_default()));
    }
    if let Some(encoding) = utf_16(file) {
        return Ok(decoded(encoding, file));
    }
    if let Ok(text) = std::str::from_utf8(file) {
        return Ok(Decoded { text: Cow::Borrowed(text), is_damaged: false });
    }
    // Text of another encoding has next to no valid sequence of UTF-8; a damaged file has next to no invalid one.
    let letters: usize =
        file.utf8_chunks().map(|chunk| chunk.valid().chars().filter(|letter| !letter.is_ascii()).count()).sum();
    let invalid = file.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    if letters >= invalid {
        return Ok(Decoded { text: String::from_utf8_lossy(file), is_damaged: true });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(file, true);
    Ok(Decoded { text: decoded(detector.guess(None, Utf8Detection::Deny), file).text, is_damaged: false })
}

fn decoded<'f>(encoding: &'static Encoding, bytes: &'f [u8]) -> Decoded<'f> {
    let (text, is_damaged) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, is_damaged }
}

/// Returns the byte order of UTF-16 without a mark: every other byte of its commas and line ends is zero.
fn utf_16(file: &[u8]) -> Option<&'static Encoding> {
    let sample = file.get(..SAMPLE).unwrap_or(file);
    let zeros = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let many = sample.len() / 5;
    if second > many && first == 0 {
        Some(UTF_16LE)
    } else if first > many && second == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &[u8]) -> String {
        decode(file).unwrap().text.into_owned()
    }

    fn utf_16_bytes(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(of).collect()
    }

    #[test]
    fn each_encoding_is_recognized() {
        let csv = "Handle,Title,Variant Price\ncafe,Café Größe „Sofá“ – 5 €,12.50\n";
        assert_eq!(text(csv.as_bytes()), csv);
        assert_eq!(text(format!("\u{feff}{csv}").as_bytes()), csv);
        for of in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(text(&utf_16_bytes(csv, of)), csv);
            assert_eq!(text(&utf_16_bytes(&format!("\u{feff}{csv}"), of)), csv);
        }
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(csv);
        assert_eq!(text(&windows), csv);
        let chinese = "Handle,Title,Variant Price\nbei,蓝色的茶杯和茶壶，景德镇手工制作,12.50\n";
        let (gbk, _, _) = encoding_rs::GBK.encode(chinese);
        assert_eq!(text(&gbk), chinese);
        let russian = "Handle,Title,Variant Price\nchai,Красный чай и синий чайник,12.50\n";
        let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode(russian);
        assert_eq!(text(&cyrillic), russian);
    }

    #[test]
    fn one_letter_is_enough_for_windows_1252() {
        for csv in
            ["Handle,Title\na,Café\n", "Handle,Title\na,Größe L\n", "Handle,Title\na,5 €\n", "Handle,Title\na,Don’t\n"]
        {
            let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(csv);
            assert_eq!(text(&windows), csv);
        }
    }

    #[test]
    fn damaged_utf_8_stays_utf_8() {
        let decoded = decode(b"a,Caf\xc3\xa9\nb,\xff\n").unwrap();
        assert!(decoded.is_damaged);
        assert_eq!(decoded.text, "a,Café\nb,\u{fffd}\n");
        assert!(!decode("a,\u{fffd}".as_bytes()).unwrap().is_damaged);
    }

    #[test]
    fn a_spreadsheet_is_refused() {
        assert_eq!(decode(b"PK\x03\x04...").unwrap_err(), UnreadableFile::Spreadsheet);
        assert_eq!(text(b""), "");
    }
}
