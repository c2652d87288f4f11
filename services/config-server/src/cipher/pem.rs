//! Reads and writes RSA keys in PEM.

use aws_lc_rs::signature::RsaKeyPair;
use base64::{Engine, engine::general_purpose::STANDARD};

pub(super) const NO_RSA_KEY: &str = "it is not an RSA private key of 2048 to 8192 bits";

/// True for a private key in PEM.
pub(super) fn is_private_key(text: &str) -> bool {
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----")
}

/// Parses a private key, PKCS#8 or PKCS#1. Line ends may be written as
/// `\n`, which is common in environment variables, or be missing.
pub(super) fn private_key(text: &str) -> Result<RsaKeyPair, String> {
    let text = text.replace("\\n", "\n");
    let (_, after) = text.split_once("-----BEGIN ").ok_or("there is no line BEGIN")?;
    let (label, after) = after.split_once("-----").ok_or("the line BEGIN is incomplete")?;
    let (body, _) = after.split_once("-----END ").ok_or("there is no line END")?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| "the part between BEGIN and END is not Base64")?;
    match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).map_err(|_| NO_RSA_KEY.to_owned()),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map_err(|_| NO_RSA_KEY.to_owned()),
        "ENCRYPTED PRIVATE KEY" => Err("the key has a passphrase; remove it (openssl pkey -in key.pem)".to_owned()),
        other => Err(format!("'{other}' is not an RSA key (PRIVATE KEY or RSA PRIVATE KEY)")),
    }
}

/// Returns the PEM of a public key's bytes.
pub(super) fn public_key(der: &[u8]) -> String {
    // 48 bytes are the 64 letters of a line.
    let lines: Vec<String> = der.chunks(48).map(|chunk| STANDARD.encode(chunk)).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
