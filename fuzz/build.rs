//! Copies what the targets need of files that they cannot include: the limits of products and how tags are split, which is all
//! that the parser of the import needs of these files, and the decoder of pictures, a file with another one below it.

use std::{env, fmt::Write, fs, path::Path};

fn main() {
    let source = Path::new("../services/product/src");
    println!("cargo::rerun-if-changed={}", source.display());
    let mut modules = String::new();
    for name in ["product", "category", "stock"] {
        let path = source.join(format!("{name}.rs"));
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(path).unwrap();
        let limits: Vec<&str> = text.lines().filter(|line| line.starts_with("pub(crate) const MAX_")).collect();
        let tags = text.find("pub(crate) fn tags_of(").map_or("", |start| {
            let length = text[start..].find("\n}\n").map_or(0, |end| end + 3);
            &text[start..start + length]
        });
        let import = if tags.is_empty() { "" } else { "use crate::text;" };
        writeln!(modules, "pub(crate) mod {name} {{\n{import}\n{}\n{tags}\n}}", limits.join("\n")).unwrap();
    }
    let out = env::var_os("OUT_DIR").unwrap();
    let out = Path::new(&out);
    fs::write(out.join("limits.rs"), modules).unwrap();
    fs::create_dir_all(out.join("picture")).unwrap();
    for name in ["picture.rs", "picture/render.rs"] {
        fs::copy(source.join(name), out.join(name)).unwrap();
    }
    fs::write(out.join("pictures.rs"), "mod picture;\n").unwrap();
}
