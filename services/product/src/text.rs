//! Text as search compares it: names, SKUs, categories and queries are folded alike, in any script.
//!
//! Folding is Unicode's compatibility decomposition (NFKD) without the marks that people leave out when they type: accents
//! of Latin, Greek and Cyrillic letters, vowel points of Arabic and Hebrew. Marks that make another letter stay, such as the
//! vowels of Indic scripts and the voicing of Japanese. Hangul is compared by its letters (jamo), so that a syllable that
//! is not typed completely is a prefix of the complete one.

use unicode_normalization::{UnicodeNormalization, char::compose};

/// Folds case, accents, width and other differences of spelling. Control characters and runs of space become one space.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        text.chars().for_each(|letter| push_spaced(&mut out, letter.to_ascii_lowercase()));
    } else {
        // Decomposed before and after: `™` becomes capital letters, and `İ` in lower case has a mark.
        let letters = text.nfkd().flat_map(char::to_lowercase).nfkd();
        letters.for_each(|letter| push_folded(&mut out, letter));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Returns the words of `folded`, which search looks for one by one. A run of a script without spaces between words becomes
/// its pairs of neighbouring characters: `茶杯垫` is `茶杯` and `杯垫`.
pub(crate) fn words(folded: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for run in letters.chunk_by(|left, right| is_unspaced(*left) == is_unspaced(*right)) {
            let is_pairs = run.len() > 2 && run.first().is_some_and(|letter| is_unspaced(*letter));
            let size = if is_pairs { 2 } else { run.len() };
            words.extend(run.windows(size).map(|letters| letters.iter().collect::<String>()));
        }
    }
    words
}

/// Returns true for letters of scripts that put no space between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer.
pub(crate) const fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Returns the first `max` characters of `text`.
pub(crate) fn truncated(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

fn push_spaced(out: &mut String, letter: char) {
    // A zero width space separates words as well.
    if letter.is_whitespace() || letter.is_control() || letter == '\u{200b}' {
        if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    } else {
        out.push(letter);
    }
}

/// Appends a letter in lower case of a decomposed text.
fn push_folded(out: &mut String, letter: char) {
    if is_left_out(letter) {
        return;
    }
    if let '\u{3099}' | '\u{309a}' = letter {
        // The voicing of kana. One that does not combine stays as it is.
        let voiced = out.chars().next_back().and_then(|last| compose(last, letter));
        if voiced.is_some() {
            out.pop();
        }
        out.push(voiced.unwrap_or(letter));
        return;
    }
    match plain_letters(letter) {
        Some(letters) => out.push_str(letters),
        None => push_spaced(out, letter),
    }
}

/// Returns true for marks and invisible characters that do not count.
const fn is_left_out(letter: char) -> bool {
    matches!(letter,
        // Accents of Latin, Greek, Cyrillic; marks of symbols; half marks.
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Points and cantillation of Hebrew.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        // Vowels, hamza above and below, and the lengthening of Arabic.
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        // Soft hyphen, fillers, joiners, marks of direction, selectors, byte order mark.
        | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200c}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the usual spelling of letters that Unicode does not decompose; `None` for any other.
const fn plain_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' | 'ɗ' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' | 'ɨ' => "i",
        'ĸ' | 'ƙ' => "k",
        'ŋ' => "n",
        'þ' => "th",
        'ŧ' => "t",
        'ƀ' | 'ɓ' => "b",
        'ƴ' => "y",
        'ə' | 'ǝ' => "e",
        'ς' => "σ",
        // Letters of Arabic and Persian that keyboards and shops mix.
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ة' => "ه",
        '٠' | '۰' => "0",
        '١' | '۱' => "1",
        '٢' | '۲' => "2",
        '٣' | '۳' => "3",
        '٤' | '۴' => "4",
        '٥' | '۵' => "5",
        '٦' | '۶' => "6",
        '٧' | '۷' => "7",
        '٨' | '۸' => "8",
        '٩' | '۹' => "9",
        '‘' | '’' | 'ʼ' => "'",
        '‐' | '‑' | '–' | '—' | '−' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_space_do_not_matter() {
        assert_eq!(fold("  Copper\tSAUTÉ  Pan\n"), "copper saute pan");
        assert_eq!(fold("Straße, Œuvre, Łódź"), "strasse, oeuvre, lodz");
        assert_eq!(fold("e\u{301}\u{0}x"), "e x");
        assert_eq!(fold("Ghế gỗ Việt"), "ghe go viet");
        assert_eq!(fold("Đà Nẵng, ØRESUND, SIĞINAK, ıİ"), "da nang, oresund, siginak, ii");
        assert_eq!(fold("ﬁne ½ ™ ＫＧ"), "fine 1\u{2044}2 tm kg");
        assert_eq!(fold("κόσμος ΚΌΣΜΟΣ"), "κοσμοσ κοσμοσ");
        assert_eq!(fold("co\u{ad}op l’été"), "coop l'ete");
    }

    #[test]
    fn each_spelling_of_a_word_is_the_same() {
        let pairs = [
            ("Ghế", "Ghe\u{302}\u{301}"),
            ("щётка", "ЩЕТКА"),
            ("й", "и\u{306}"),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("コーヒー", "ｺｰﾋｰ"),
            ("が", "か\u{3099}"),
            ("مُحَمَّد", "محمد"),
            ("أحمد", "احمد"),
            ("مكتبـــة", "مكتبه"),
            ("שָׁלוֹם", "שלום"),
            ("١٢٣", "۱۲۳"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("各", "各"),
        ];
        for (left, right) in pairs {
            assert_eq!(fold(left), fold(right), "{left} {right}");
        }
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        for (left, right) in [("か", "が"), ("कि", "का"), ("ปู", "ปี"), ("ы", "ь")] {
            assert_ne!(fold(left), fold(right));
        }
        assert!(fold("한국").starts_with(&fold("하")));
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        let of = |text: &str| words(&fold(text));
        assert_eq!(of("Blue Tea  cup"), ["blue", "tea", "cup"]);
        assert_eq!(of("茶杯垫 x"), ["茶杯", "杯垫", "x"]);
        assert_eq!(of("茶"), ["茶"]);
        assert_eq!(of("iPhone手机壳2"), ["iphone", "手机", "机壳", "2"]);
        assert_eq!(of("コーヒー"), ["コー", "ーヒ", "ヒー"]);
        assert_eq!(of(" "), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn composed_and_decomposed_texts_fold_alike(text in "[a-zÀ-ỹΆ-ώЀ-ӿ가-힣ぁ-ヺא-תآ-ي]{0,20}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold(&composed), fold(&decomposed));
            prop_assert_eq!(fold(&composed.to_uppercase()), fold(&composed.to_uppercase().to_lowercase()));
        }
    }
}
