#!/usr/bin/env bash
# Measures the language of the Rust code and the documents, and fails above the bounds below. With PATHs, only those.
# `VERBOSE=1` prints each line that counts; without it only the glossary's hits and the files that are too long.
#
# usage: scripts/prose.sh [PATH...]
set -euo pipefail
cd "$(dirname "$0")/.."
paths=("${@:-.}")

# Of all doc lines, in percent: those that open with a question word, and those of three words or fewer.
MAX_QUESTION_OPENERS=3
MAX_SHORT_LINES=5
# Lines of a file that needs no reason for its length. A longer one says "One file because ..." in its head.
MAX_FILE_LINES=400

mapfile -t rust < <(git ls-files --cached --others --exclude-standard -- "${paths[@]}" | grep -E '\.rs$' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
mapfile -t documents < <(git ls-files --cached --others --exclude-standard -- "${paths[@]}" | grep -E '\.md$' | while read -r f; do [ -f "$f" ] && echo "$f"; done)

awk -v verbose="${VERBOSE:-}" -v max_openers="$MAX_QUESTION_OPENERS" -v max_short="$MAX_SHORT_LINES" \
    -v max_lines="$MAX_FILE_LINES" '
# The glossary: left the word that souk does not use, right what the field says instead.
function glossary(word, instead,   forms, i, n) {
    n = split(word, forms, " ")
    for (i = 1; i <= n; i++) banned[forms[i]] = instead
}
BEGIN {
    glossary("tell tells told telling", "publish, notify, report, return, log")
    glossary("ask asks asked asking", "request, query, call, read")
    glossary("hear hears heard hearing", "receive, subscribe")
    glossary("nobody", "no caller, no other process, no one else: name it")
    glossary("anew", "again, from scratch")
    glossary("judge judges judged judging", "check, decide, classify")
    glossary("patient patiently patience impatience impatient", "wait until ready; timeout, limit")
    glossary("knock knocks knocked knocking", "probe")
    glossary("pretend pretends pretended pretending", "fake")
    phrases["by itself"] = phrases["by themselves"] = "automatically"
    phrases["at hand"] = "current, in progress, available"
    phrases["fell ill"] = phrases["falls ill"] = phrases["fallen ill"] = "marked as failed"
    # In names only; these have a proper meaning in prose.
    names_only["company"] = "peers, cluster"; names_only["manner"] = "options, mode"
    names_only["looked"] = "name the result"; names_only["ill"] = "failed"
}
function hit(kind, found, instead) {
    hits++
    printf "%s:%d: %s \"%s\": say %s\n", FILENAME, FNR, kind, found, instead
}
# Reports the words of `text` that the glossary replaces.
function check_words(kind, text,   words, n, i, word, phrase) {
    text = tolower(text)
    n = split(text, words, /[^a-z]+/)
    for (i = 1; i <= n; i++) {
        word = words[i]
        if (word in banned) hit(kind, word, banned[word])
        if (kind == "name" && word in names_only) hit(kind, word, names_only[word])
    }
    gsub(/[^a-z]+/, " ", text)
    for (phrase in phrases) if (index(" " text " ", " " phrase " ")) hit(kind, phrase, phrases[phrase])
}
FNR == 1 { is_rust = FILENAME ~ /\.rs$/; reason = 0; in_fence = 0; name = FILENAME; sub(/.*\//, "", name); sub(/\.[a-z]+$/, "", name); check_words("name", name) }
FNR <= 15 && /One file because/ { reason = 1 }
is_rust && FNR > max_lines && !reason && !(FILENAME in long) { long[FILENAME] = 1; hits++; printf "%s: over %d lines and no \"One file because ...\" in its head\n", FILENAME, max_lines }
!is_rust && /^```/ { in_fence = !in_fence }
!is_rust && !in_fence { line = $0; gsub(/`[^`]*`/, "", line); gsub(/\]\([^)]*\)/, "", line); check_words("prose", line) }
is_rust {
    lines++
    if (match($0, /^[ \t]*\/\/[\/!]/)) {
        text = substr($0, RSTART + RLENGTH); sub(/^[ \t]+/, "", text)
        if (text ~ /^```/) in_fence = !in_fence
        else if (text != "" && !in_fence) {
            docs++
            n = split(text, words, /[ \t]+/)
            if (text ~ /^(What|Who|Whose|Whether|Which|How)[^a-z]/) { openers++; if (verbose) printf "%s:%d: opener: %s\n", FILENAME, FNR, text }
            if (n <= 3 && text !~ /^#/) { short++; if (verbose) printf "%s:%d: short: %s\n", FILENAME, FNR, text }
            gsub(/`[^`]*`/, "", text)
            check_words("comment", text)
        }
    } else if (match($0, /(^|[ \t])\/\/ /)) {
        if (substr($0, 1, RSTART) ~ /^[ \t]*$/) why++
        text = substr($0, RSTART + RLENGTH); gsub(/`[^`]*`/, "", text)
        check_words("comment", text)
    } else if (match($0, /(^|[ (])(fn|struct|enum|trait|type|const|static|mod|union) +[A-Za-z_][A-Za-z0-9_]*/)) {
        text = substr($0, RSTART, RLENGTH); sub(/.* /, "", text)
        if (text ~ /[a-z]/) gsub(/[A-Z]/, "_&", text)
        check_words("name", text)
    }
}
function percent(part, whole) { return whole ? 100 * part / whole : 0 }
END {
    printf "doc lines %d: %.1f %% open with a question word (at most %d), %.1f %% have three words or fewer (at most %d); comments %.1f %% of %d lines; glossary and length: %d\n",
        docs, percent(openers, docs), max_openers, percent(short, docs), max_short, percent(why, lines), lines, hits
    exit percent(openers, docs) > max_openers || percent(short, docs) > max_short || hits > 0
}' "${rust[@]}" "${documents[@]}"
