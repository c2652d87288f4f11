//! Reads and writes the little DER and PEM that RSA keys come in.

use base64::{Engine, engine::general_purpose::STANDARD};

/// The algorithm `rsaEncryption` with no parameters, as PKCS#8 names it.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Whether `text` is a private key in PEM.
pub fn is_private_key(text: &str) -> bool {
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----")
}

/// The PKCS#8 bytes of a PEM private key, which is PKCS#8 or PKCS#1. Line ends may be written `\n`, as
/// environment variables have them, or be missing.
pub fn private_key(text: &str) -> Result<Vec<u8>, String> {
    let text = text.replace("\\n", "\n");
    let (_, after) = text.split_once("-----BEGIN ").ok_or("there is no line BEGIN")?;
    let (label, after) = after.split_once("-----").ok_or("the line BEGIN is cut")?;
    let (body, _) = after.split_once("-----END ").ok_or("there is no line END")?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| "what is between BEGIN and END is not Base64")?;
    match label {
        "PRIVATE KEY" => Ok(der),
        "RSA PRIVATE KEY" => {
            let octets = element(0x04, &der);
            Ok(element(0x30, &[&[0x02, 0x01, 0x00], RSA_ENCRYPTION.as_slice(), &octets].concat()))
        }
        "ENCRYPTED PRIVATE KEY" => Err("the key has a passphrase; take it off (openssl pkey -in key.pem)".to_owned()),
        other => Err(format!("'{other}' is not an RSA key (PRIVATE KEY or RSA PRIVATE KEY)")),
    }
}

/// A public key's bytes as PEM.
pub fn public_key(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str("\n-----END PUBLIC KEY-----\n");
    text
}

/// The two numbers of a DER `SEQUENCE { modulus, exponent }`.
pub fn modulus_and_exponent(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = take(0x30, der)?;
    let (modulus, rest) = take(0x02, sequence)?;
    let (exponent, _) = take(0x02, rest)?;
    Some((modulus, exponent))
}

/// One element of the given tag: its content, and what follows it.
fn take(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = match short.checked_sub(0x80) {
        None => (usize::from(*short), rest),
        Some(count) => {
            let (bytes, rest) = rest.split_at_checked(usize::from(count))?;
            let length =
                bytes.iter().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()))?;
            (length, rest)
        }
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut out = vec![tag];
    let digits: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    match digits.as_slice() {
        [] => out.push(0),
        [one] if *one < 0x80 => out.push(*one),
        more => {
            out.push(0x80 | u8::try_from(more.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(more);
        }
    }
    out.extend_from_slice(content);
    out
}
