//! AES-256-CBC with PKCS#7 padding under a key derived from a password: Spring Security's `Encryptors.standard`.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey},
    error::Unspecified,
    iv::FixedLength,
    pbkdf2,
};

const IV_LENGTH: usize = 16;
const ROUNDS: NonZeroU32 = NonZeroU32::new(1_024).unwrap();

pub(super) struct AesKey {
    encrypting: PaddedBlockEncryptingKey,
    decrypting: PaddedBlockDecryptingKey,
}

const INVALID_SALT: &str =
    "the salt is not hexadecimal: config-server.encrypt.salt takes pairs of 0-9 and a-f, such as deadbeef";

impl AesKey {
    /// Derives the key from a password and a hexadecimal salt, with PBKDF2-HMAC-SHA1 and 1,024 rounds.
    pub fn derive(password: &str, salt: &str) -> Result<Self, &'static str> {
        let salt = hex::decode(salt).map_err(|_| INVALID_SALT)?;
        let mut key = [0_u8; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, &salt, password.as_bytes(), &mut key);
        let unbound = || UnboundCipherKey::new(&AES_256, &key);
        let encrypting = unbound().and_then(PaddedBlockEncryptingKey::cbc_pkcs7).map_err(|_| INVALID_SALT)?;
        let decrypting = unbound().and_then(PaddedBlockDecryptingKey::cbc_pkcs7).map_err(|_| INVALID_SALT)?;
        Ok(Self { encrypting, decrypting })
    }

    /// Returns a random IV followed by the cipher text.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut text = plain.to_vec();
        let DecryptionContext::Iv128(iv) = self.encrypting.encrypt(&mut text)? else { return Err(Unspecified) };
        let mut out = iv.as_ref().to_vec();
        out.extend_from_slice(&text);
        Ok(out)
    }

    /// Decrypts an IV followed by a cipher text.
    pub fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (iv, cipher) = bytes.split_at_checked(IV_LENGTH).ok_or(Unspecified)?;
        let iv = FixedLength::try_from(iv)?;
        let mut text = cipher.to_vec();
        let plain = self.decrypting.decrypt(&mut text, DecryptionContext::Iv128(iv))?;
        Ok(plain.to_vec())
    }
}
