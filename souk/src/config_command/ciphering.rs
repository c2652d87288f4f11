//! `souk config encrypt` and `decrypt`: convert values with the key of the config server.

use std::io::{IsTerminal, Read, Write};

use souk_config_server::{
    ConfigServerConfig,
    cipher::{CIPHER_PREFIX, CipherError, Encryptor},
};
use souk_kit::config::Sources;
use souk_values::Secret;

use crate::{
    cli::{CipherArgs, ShopArgs},
    command_error::CommandError,
    folder::Folder,
};

/// Limit of a value in bytes.
const MAX_VALUE: u64 = 1 << 20;

type Conversion = fn(&Encryptor, &str) -> Result<String, CommandError>;

/// Prints the value of `args` as `convert`, [`encrypted`] or [`decrypted`], returns it.
pub fn run(args: &CipherArgs, convert: Conversion) -> Result<(), CommandError> {
    let encryptor = encryptor(&args.shop, &Sources::from_env())?;
    let line = convert(&encryptor, value(args)?.expose())?;
    // Not `println!`, which panics when the reader of a pipe has ended.
    writeln!(std::io::stdout(), "{line}").map_err(CommandError::failed)
}

pub fn encrypted(encryptor: &Encryptor, text: &str) -> Result<String, CommandError> {
    // A leading brace would be read as a prefix when the value is decrypted. Only `{key:…}` and `{plain}` are meant as one.
    let is_literal = text.starts_with('{') && !text.starts_with("{key:") && !text.starts_with("{plain}");
    let plain = Secret::new(if is_literal { format!("{{plain}}{text}") } else { text.to_owned() });
    let cipher = encryptor.encrypt(plain.expose()).map_err(CommandError::failed)?;
    Ok(format!("{CIPHER_PREFIX}{cipher}"))
}

pub fn decrypted(encryptor: &Encryptor, text: &str) -> Result<String, CommandError> {
    let unquoted = text.trim().trim_matches(['\'', '"']);
    encryptor.decrypt(unquoted).map_err(|error| match error {
        CipherError::Invalid => CommandError::failed(
            "this was not encrypted with this key, or is incomplete: copy everything after {cipher}, and check that key \
             and salt are those that it was encrypted with",
        ),
        other => CommandError::failed(other),
    })
}

/// Reads the keys from the section `config-server`, otherwise from an embedded shop's folder.
fn encryptor(shop: &ShopArgs, environment: &Sources) -> Result<Encryptor, CommandError> {
    let mut config: ConfigServerConfig = environment.section("config-server").map_err(CommandError::failed)?;
    let encrypt = &mut config.encrypt;
    if !shop.distributed && encrypt.key.expose().is_empty() && encrypt.key_file.is_none() {
        encrypt.key = Folder::at(&shop.data).config_key()?.unwrap_or_default();
    }
    let encryptor = Encryptor::new(encrypt).map_err(|mistakes| CommandError::failed(mistakes.join("\n")))?;
    if encryptor.has_key() {
        return Ok(encryptor);
    }
    let folder = if shop.distributed {
        String::new()
    } else {
        format!(", or name with --data a folder in which 'souk up' has run ({} has no key)", shop.data.display())
    };
    Err(CommandError::failed(format!(
        "there is no key: set SOUK_CONFIG_SERVER__ENCRYPT__KEY to that of the config server (a password or an RSA \
         private key in PEM), or SOUK_CONFIG_SERVER__ENCRYPT__KEY_FILE to its file{folder}"
    )))
}

fn value(args: &CipherArgs) -> Result<Secret, CommandError> {
    let text = match &args.value {
        Some(value) if value != "-" => value.clone(),
        _ => {
            let mut input = std::io::stdin().lock();
            if input.is_terminal() {
                complain!("The value, shown as it is typed; Enter and Ctrl-D end it:");
            }
            read(&mut input)?
        }
    };
    if text.is_empty() { Err(CommandError::failed("the value is empty")) } else { Ok(Secret::new(text)) }
}

/// Reads `input` without its last line break.
fn read(input: &mut impl Read) -> Result<String, CommandError> {
    let mut text = String::new();
    let count = input.take(MAX_VALUE + 1).read_to_string(&mut text);
    match count {
        Ok(_) if text.len() > usize::try_from(MAX_VALUE).unwrap_or(usize::MAX) => {
            Err(CommandError::failed(format!("the value has more than {MAX_VALUE} bytes")))
        }
        Ok(_) => {
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
        }
        Err(error) => Err(CommandError::failed(format!("the value cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(key: &str) -> Encryptor {
        let shop = ShopArgs { data: "/nowhere".into(), distributed: true };
        encryptor(&shop, &Sources::default().with("config-server", "encrypt.key", key)).unwrap()
    }

    #[test]
    fn a_value_is_decrypted_with_the_same_key_only() {
        let key = with_key("0123456789abcdef0123456789abcdef");
        for text in ["geheim", "{\"a\":1}", "{a:b}c", "{none}", "with space ", "größe", "{cipher}x"] {
            let cipher = encrypted(&key, text).unwrap();
            assert!(cipher.starts_with(CIPHER_PREFIX) && !cipher.contains(text), "{cipher}");
            assert_eq!(decrypted(&key, &cipher).unwrap(), text);
            assert_eq!(decrypted(&key, &format!(" '{cipher}'\n")).unwrap(), text, "as it stands in YAML");
            let other = decrypted(&with_key("another key of sufficient length"), &cipher);
            assert!(other.is_err_and(|error| error.to_string().contains("not encrypted with this key")));
        }
    }

    #[test]
    fn a_missing_key_comes_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let at = |distributed| ShopArgs { data: folder.path().to_owned(), distributed };
        let error = |distributed| encryptor(&at(distributed), &Sources::default()).unwrap_err().to_string();
        assert!(error(true).contains("SOUK_CONFIG_SERVER__ENCRYPT__KEY") && !error(true).contains("--data"));
        assert!(error(false).contains("--data"));
    }

    #[test]
    fn the_last_line_break_is_not_part_of_the_value() {
        for (input, text) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\nb\n", "a\nb"), ("a", "a"), ("a\n\n", "a\n")] {
            assert_eq!(read(&mut input.as_bytes()).unwrap(), text);
        }
        assert!(read(&mut std::io::repeat(b'x')).is_err());
        assert!(read(&mut &b"\xff"[..]).is_err());
    }
}
