use super::*;
use crate::environment::decode;

fn pairs(document: &Document) -> Vec<(&str, String)> {
    document.iter().map(|property| (property.key.as_str(), property.value.to_string())).collect()
}

fn one(text: &str) -> (String, String) {
    let documents = parse(text).unwrap();
    let property = &documents[0][0];
    (property.key.clone(), property.value.to_string())
}

#[test]
fn a_line_is_parsed_as_in_java() {
    for (line, key, value) in [
        ("a=b", "a", "b"),
        ("a:b", "a", "b"),
        ("a b", "a", "b"),
        ("  a  =  b ", "a", "b "),
        ("a\t:\tb=c", "a", "b=c"),
        ("a = = b", "a", "= b"),
        ("a", "a", ""),
        ("a=", "a", ""),
        ("=b", "", "b"),
        (r"a\:b\=c\ d=e", "a:b=c d", "e"),
        (r"a=\tb\nc\rd\fe\\f\g", "a", "\tb\nc\rd\u{c}e\\fg"),
        (r"caf\u00e9=\u00E9", "caf\u{e9}", "\u{e9}"),
        (r"a=\ud83d\ude00", "a", "\u{1f600}"),
        (r"a=\ud83d!", "a", "\u{fffd}!"),
        ("a=b\\\n   c", "a", "bc"),
        ("a=b\\\r\n\t# c", "a", "b# c"),
        ("a=b\\\\\nc=d", "a", "b\\"),
        ("a=b\\", "a", "b"),
        ("a=x#y!z", "a", "x#y!z"),
        ("# c\n ! d\n\n\u{c}a=b", "a", "b"),
        ("# c\\\na=b", "a", "b"),
        ("\\#a=b", "#a", "b"),
        ("a={cipher}deadbeef==", "a", "{cipher}deadbeef=="),
    ] {
        assert_eq!(one(line), (key.to_owned(), value.to_owned()), "{line:?}");
    }
}

#[test]
fn a_bad_unicode_escape_names_its_line() {
    for text in ["a=b\nc=\\u00g1", "a=b\nc=\\u12", "a=b\n\\u+123=c", "a=b\nc=\\u12\u{e9}"] {
        assert_eq!(parse(text).unwrap_err().line, Some(2), "{text}");
    }
}

#[test]
fn documents_are_separated() {
    let documents = parse("a=1\n#---\nb=2\n!---  \nc=3\n#---\n").unwrap();
    let keys: Vec<_> = documents.iter().map(pairs).collect();
    assert_eq!(keys, [[("a", "1".to_owned())], [("b", "2".to_owned())], [("c", "3".to_owned())]]);
}

#[test]
fn a_line_of_hyphens_among_comments_is_not_a_separator() {
    for text in ["a=1\n#---\n# note\nb=2", "a=1\n# note\n#---\nb=2", "a=1\n #---\nb=2", "a=1\n#----\nb=2"] {
        assert_eq!(parse(text).unwrap().len(), 1, "{text}");
    }
}

#[test]
fn the_last_of_equal_keys_wins_and_empty_brackets_make_a_list() {
    let documents = parse("a=1\nb[]=x\na=2\nb[]=y").unwrap();
    let expected = [("a", "2"), ("b[0]", "x"), ("b[1]", "y")].map(|(key, value)| (key, value.to_owned()));
    assert_eq!(pairs(&documents[0]), expected);
}

#[test]
fn values_have_their_positions() {
    let documents = parse("# one\n\n  a=1\\\n2\nb=3").unwrap();
    let lines: Vec<_> = documents[0].iter().map(|property| property.at.unwrap()).collect();
    assert_eq!(lines, [Position { line: 3, column: 3 }, Position { line: 5, column: 1 }]);
}

#[test]
fn a_file_that_is_not_unicode_is_latin1() {
    assert_eq!(one(&decode::unicode_or_latin1(b"name=caf\xE9")).1, "caf\u{e9}");
}
