//! AES-256-CBC with PKCS#7 padding under a key made from a password: `Encryptors.standard` of Spring Security.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey},
    error::Unspecified,
    iv::FixedLength,
    pbkdf2,
};

const IV_LENGTH: usize = 16;
const ROUNDS: NonZeroU32 = NonZeroU32::new(1_024).unwrap();

/// A 256-bit key.
pub struct AesKey {
    encrypting: PaddedBlockEncryptingKey,
    decrypting: PaddedBlockDecryptingKey,
}

impl AesKey {
    /// The key of a password and a hexadecimal salt: PBKDF2 with HMAC-SHA1, 1,024 rounds. `None` when the
    /// salt is not hexadecimal.
    pub fn derive(password: &str, salt: &str) -> Option<Self> {
        let salt = hex::decode(salt).ok()?;
        let mut key = [0_u8; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, &salt, password.as_bytes(), &mut key);
        let unbound = || UnboundCipherKey::new(&AES_256, &key);
        Some(Self {
            encrypting: PaddedBlockEncryptingKey::cbc_pkcs7(unbound().ok()?).ok()?,
            decrypting: PaddedBlockDecryptingKey::cbc_pkcs7(unbound().ok()?).ok()?,
        })
    }

    /// A random IV, then the cipher text.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut text = plain.to_vec();
        let DecryptionContext::Iv128(iv) = self.encrypting.encrypt(&mut text)? else { return Err(Unspecified) };
        let mut out = iv.as_ref().to_vec();
        out.extend_from_slice(&text);
        Ok(out)
    }

    /// The plain text of an IV and a cipher text.
    pub fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (iv, cipher) = bytes.split_at_checked(IV_LENGTH).ok_or(Unspecified)?;
        let iv = FixedLength::try_from(iv)?;
        let mut text = cipher.to_vec();
        let plain = self.decrypting.decrypt(&mut text, DecryptionContext::Iv128(iv))?;
        Ok(plain.to_vec())
    }
}
