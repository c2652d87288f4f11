//! Encryption with an RSA key in the format of Spring Security's `RsaSecretEncryptor`: a random secret encrypted with
//! RSA, then the text encrypted with a key derived from the secret.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    error::Unspecified,
    rand,
    rsa::{
        OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
        Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKey,
    },
    signature::KeyPair as _,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{CipherError, aes::AesKey, pem};
use crate::config::{RsaAlgorithm, RsaConfig};

/// Length of the random secret, in bytes.
const SECRET_LENGTH: usize = 16;

/// A private key with its settings.
pub(super) struct RsaKey {
    private: PrivateDecryptingKey,
    public: PublicEncryptingKey,
    algorithm: RsaAlgorithm,
    salt: String,
    /// The public half in OpenSSH's form.
    pub ssh: String,
}

impl RsaKey {
    /// Errors: a sentence about the mistake in the PEM or the salt.
    pub fn new(text: &str, config: &RsaConfig) -> Result<Self, String> {
        let pair = pem::private_key(text)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| pem::NO_RSA_KEY)?;
        let private = PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(|_| pem::NO_RSA_KEY)?;
        let ssh = ssh_form(pair.public_key()).ok_or("its public half cannot be read")?;
        // Reports an invalid salt at start instead of with the first value.
        AesKey::derive("", &config.salt)?;
        let public = private.public_key();
        Ok(Self { private, public, algorithm: config.algorithm, salt: config.salt.clone(), ssh })
    }

    /// Returns the Base64 of: length of the encrypted secret (two bytes), encrypted secret, IV, encrypted text.
    pub fn encrypt(&self, plain: &[u8]) -> Result<String, CipherError> {
        let mut secret = [0_u8; SECRET_LENGTH];
        rand::fill(&mut secret)?;
        let encrypted = self.encrypt_secret(&secret)?;
        let length = u16::try_from(encrypted.len()).map_err(|_| CipherError::Invalid)?;
        let text = self.text_key(&secret)?.encrypt(plain)?;
        Ok(STANDARD.encode([length.to_be_bytes().as_slice(), &encrypted, &text].concat()))
    }

    pub fn decrypt(&self, cipher: &str) -> Result<Vec<u8>, CipherError> {
        let bytes = STANDARD.decode(cipher).map_err(|_| CipherError::Invalid)?;
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(CipherError::Invalid)?;
        let (encrypted, text) =
            rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(CipherError::Invalid)?;
        Ok(self.text_key(&self.decrypt_secret(encrypted)?)?.decrypt(text)?)
    }

    pub fn pem_public_key(&self) -> Result<String, CipherError> {
        let der: PublicKeyX509Der<'_> = self.public.as_der().map_err(|_| CipherError::NoPublicKey)?;
        Ok(pem::public_key(der.as_ref()))
    }

    fn text_key(&self, secret: &[u8]) -> Result<AesKey, CipherError> {
        AesKey::derive(&hex::encode(secret), &self.salt).map_err(|_| CipherError::Invalid)
    }

    fn encrypt_secret(&self, secret: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut buffer = vec![0_u8; self.public.key_size_bytes()];
        let key = self.public.clone();
        let encrypted = match self.algorithm {
            RsaAlgorithm::Default => Pkcs1PublicEncryptingKey::new(key)?.encrypt(secret, &mut buffer)?,
            RsaAlgorithm::Oaep => {
                OaepPublicEncryptingKey::new(key)?.encrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut buffer, None)?
            }
        };
        Ok(encrypted.to_vec())
    }

    fn decrypt_secret(&self, encrypted: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut buffer = vec![0_u8; self.private.key_size_bytes()];
        let key = self.private.clone();
        let secret = match self.algorithm {
            RsaAlgorithm::Default => Pkcs1PrivateDecryptingKey::new(key)?.decrypt(encrypted, &mut buffer)?,
            RsaAlgorithm::Oaep => {
                OaepPrivateDecryptingKey::new(key)?.decrypt(&OAEP_SHA1_MGF1SHA1, encrypted, &mut buffer, None)?
            }
        };
        Ok(secret.to_vec())
    }
}

fn ssh_form(key: &PublicKey) -> Option<String> {
    let mut blob = Vec::new();
    let exponent = key.exponent().big_endian_without_leading_zero();
    let modulus = key.modulus().big_endian_without_leading_zero();
    for part in [b"ssh-rsa", exponent, modulus] {
        // A number whose first bit is set would be negative.
        let sign: &[u8] = if part.first()? & 0x80 == 0 { &[] } else { &[0] };
        blob.extend_from_slice(&u32::try_from(sign.len() + part.len()).ok()?.to_be_bytes());
        blob.extend_from_slice(sign);
        blob.extend_from_slice(part);
    }
    Some(format!("ssh-rsa {} application", STANDARD.encode(blob)))
}
