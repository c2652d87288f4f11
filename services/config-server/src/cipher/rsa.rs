//! Values under an RSA key, as Spring Security's `RsaSecretEncryptor` makes them: a random secret under
//! RSA, then the text under a key made from the secret.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand,
    rsa::{
        OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
        Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
    },
    signature::{KeyPair as _, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{AesKey, CipherError, bad_salt, pem};

/// How long the random secret is.
const SECRET_LENGTH: usize = 16;

/// The section `config-server.encrypt.rsa`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RsaConfig {
    /// `algorithm`: `DEFAULT` (PKCS#1 v1.5, as in Spring) or `OAEP`, which is better.
    pub algorithm: RsaAlgorithm,
    /// `salt`: hexadecimal, goes into the key of the text. `deadbeef`.
    pub salt: String,
}

impl Default for RsaConfig {
    fn default() -> Self {
        Self { algorithm: RsaAlgorithm::default(), salt: "deadbeef".to_owned() }
    }
}

/// How the secret is padded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum RsaAlgorithm {
    /// PKCS#1 v1.5.
    #[default]
    #[serde(rename = "DEFAULT", alias = "default")]
    Default,
    /// OAEP with SHA-1, as Java's `OAEPPadding` is.
    #[serde(rename = "OAEP", alias = "oaep")]
    Oaep,
}

/// A private key, and how it is used.
pub struct RsaKey {
    private: PrivateDecryptingKey,
    public: PublicEncryptingKey,
    algorithm: RsaAlgorithm,
    salt: String,
    ssh: String,
}

impl RsaKey {
    /// Errors: a sentence on what is wrong with the PEM or the salt.
    pub fn new(text: &str, config: &RsaConfig) -> Result<Self, String> {
        let der = pem::private_key(text)?;
        let refused = |_| "it is not an RSA private key of 2048 to 8192 bits".to_owned();
        let private = PrivateDecryptingKey::from_pkcs8(&der).map_err(refused)?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(refused)?;
        let ssh = ssh_form(pair.public_key().as_ref()).ok_or("its public half cannot be read")?;
        // So that a bad salt is told at start.
        AesKey::derive("", &config.salt).ok_or_else(bad_salt)?;
        let public = private.public_key();
        Ok(Self { private, public, algorithm: config.algorithm, salt: config.salt.clone(), ssh })
    }

    /// Base64 of the secret's length, the secret under RSA, an IV, and the text.
    pub fn encrypt(&self, plain: &[u8]) -> Result<String, CipherError> {
        let mut secret = [0_u8; SECRET_LENGTH];
        rand::fill(&mut secret).map_err(|_| CipherError::Invalid)?;
        let hidden = self.hide(&secret).ok_or(CipherError::Invalid)?;
        let length = u16::try_from(hidden.len()).map_err(|_| CipherError::Invalid)?;
        let text = self.text_key(&secret)?.encrypt(plain).map_err(|_| CipherError::Invalid)?;
        Ok(STANDARD.encode([length.to_be_bytes().as_slice(), &hidden, &text].concat()))
    }

    /// What [`Self::encrypt`] hid.
    pub fn decrypt(&self, cipher: &str) -> Result<Vec<u8>, CipherError> {
        let bytes = STANDARD.decode(cipher).map_err(|_| CipherError::Invalid)?;
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(CipherError::Invalid)?;
        let (hidden, text) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(CipherError::Invalid)?;
        let secret = self.reveal(hidden).ok_or(CipherError::Invalid)?;
        self.text_key(&secret)?.decrypt(text).map_err(|_| CipherError::Invalid)
    }

    /// `ssh-rsa AAAA… application`.
    pub fn ssh_public_key(&self) -> String {
        self.ssh.clone()
    }

    /// `-----BEGIN PUBLIC KEY-----`.
    pub fn pem_public_key(&self) -> Result<String, CipherError> {
        let der: PublicKeyX509Der<'_> = self.public.as_der().map_err(|_| CipherError::NoPublicKey)?;
        Ok(pem::public_key(der.as_ref()))
    }

    fn text_key(&self, secret: &[u8]) -> Result<AesKey, CipherError> {
        AesKey::derive(&hex::encode(secret), &self.salt).ok_or(CipherError::Invalid)
    }

    fn hide(&self, secret: &[u8]) -> Option<Vec<u8>> {
        let mut room = vec![0_u8; self.public.key_size_bytes()];
        let hidden = match self.algorithm {
            RsaAlgorithm::Default => {
                Pkcs1PublicEncryptingKey::new(self.public.clone()).ok()?.encrypt(secret, &mut room).ok()?
            }
            RsaAlgorithm::Oaep => OaepPublicEncryptingKey::new(self.public.clone())
                .ok()?
                .encrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut room, None)
                .ok()?,
        };
        Some(hidden.to_vec())
    }

    fn reveal(&self, hidden: &[u8]) -> Option<Vec<u8>> {
        let mut room = vec![0_u8; self.private.key_size_bytes()];
        let secret = match self.algorithm {
            RsaAlgorithm::Default => {
                Pkcs1PrivateDecryptingKey::new(self.private.clone()).ok()?.decrypt(hidden, &mut room).ok()?
            }
            RsaAlgorithm::Oaep => OaepPrivateDecryptingKey::new(self.private.clone())
                .ok()?
                .decrypt(&OAEP_SHA1_MGF1SHA1, hidden, &mut room, None)
                .ok()?,
        };
        Some(secret.to_vec())
    }
}

/// OpenSSH's form of a DER `SEQUENCE { modulus, exponent }`.
fn ssh_form(der: &[u8]) -> Option<String> {
    let (modulus, exponent) = pem::modulus_and_exponent(der)?;
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".as_slice(), exponent, modulus] {
        blob.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        blob.extend_from_slice(part);
    }
    Some(format!("ssh-rsa {} application", STANDARD.encode(blob)))
}
