//! Tests with known answers of Spring, Java and openssl, and with texts and keys that are refused.

use super::*;
use crate::config::{EncryptConfig, RsaAlgorithm, RsaConfig};
use souk_values::Secret;

const PKCS8: &str = include_str!("tests/pkcs8.pem");
const PKCS1: &str = include_str!("tests/pkcs1.pem");
/// Encrypted in Java with the ciphers `RSA` and `RSA/ECB/OAEPPadding`, in the format of Spring's encryptor.
const OF_JAVA: &str = include_str!("tests/java_default.txt");
const OF_JAVA_OAEP: &str = include_str!("tests/java_oaep.txt");
/// The output of `ssh-keygen -y` for the key.
const SSH: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQD1TrnQw8txQbU4AzY9q+GCaE3eau1OiKNdihxmzrp22kXm3q/6sxFoyGLZTO5M\
                   E3LHBFtBY1rNb4s5MJtOjKTIPrfxgd6bNyYs7y97DxGWKa1sNFvFX13UHpcU7xOvR95SZa9R6BM62y/GsIo3aUVewen1KhIokwX\
                   ksJ1U7N+1++txO8mWkuLj1OQpO+R1fm3iKsb8EqoMZy5zbUKy0o4iRmaIGuodBNsolmDggdqg4lFnK8IneW+OZcHtGKrXOPJ7bb\
                   DJSyKcBiwxyKZylsUMeOmvQlUO7uKGbppOtHbCxN3QEWVaVmSLs14cdWl/GtcC1sc/wF4xCzUqJGcNwS9r";

fn config(key: &str) -> EncryptConfig {
    EncryptConfig { key: Secret::new(key.to_owned()), ..EncryptConfig::default() }
}

fn with(key: &str) -> Encryptor {
    Encryptor::new(&config(key)).unwrap()
}

#[test]
fn texts_of_spring_are_decrypted() {
    // From the Spring Cloud manual: `spring encrypt mysecret --key foo`.
    let text = "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";
    assert_eq!(with("foo").decrypt(text).unwrap(), "mysecret");
    assert_eq!(with("foo").decrypt(&format!("{{cipher}}{{key:any}}{text}")).unwrap(), "mysecret");
}

#[test]
fn texts_of_openssl_with_another_salt_are_decrypted() {
    let salted = EncryptConfig { salt: "0123456789abcdef".to_owned(), ..config("correct horse battery staple") };
    let text = "000102030405060708090a0b0c0d0e0f59ed6f643173600cf1531ac2d0ee52f8";
    assert_eq!(Encryptor::new(&salted).unwrap().decrypt(text).unwrap(), "pa:ss wörd");
    assert_eq!(with("correct horse battery staple").decrypt(text), Err(CipherError::Invalid));
}

#[test]
fn encrypting_twice_gives_different_texts_that_decrypt_to_the_same() {
    for key in ["a password of some length", PKCS8] {
        let encryptor = with(key);
        for plain in ["", "x", "sixteen letters!", "päßword = {x}", &"long ".repeat(2_000)] {
            let (one, two) = (encryptor.encrypt(plain).unwrap(), encryptor.encrypt(plain).unwrap());
            assert_ne!(one, two);
            assert_eq!(encryptor.decrypt(&one).unwrap(), plain);
        }
    }
    let hex = with("a password of some length").encrypt("x").unwrap();
    assert!(hex.len() == 64 && hex.bytes().all(|letter| b"0123456789abcdef".contains(&letter)), "{hex}");
}

#[test]
fn texts_of_java_with_rsa_are_decrypted() {
    for pem in [PKCS8, PKCS1, &PKCS8.replace('\n', "\\n"), &PKCS1.replace('\n', " ")] {
        assert_eq!(with(pem).decrypt(OF_JAVA).unwrap(), "s3cret of Java");
        assert_eq!(with(pem).decrypt(OF_JAVA_OAEP), Err(CipherError::Invalid));
        let rsa = RsaConfig { algorithm: RsaAlgorithm::Oaep, ..RsaConfig::default() };
        let oaep = Encryptor::new(&EncryptConfig { rsa, ..config(pem) }).unwrap();
        assert_eq!(oaep.decrypt(OF_JAVA_OAEP).unwrap(), "s3cret of Java");
        assert_eq!(oaep.decrypt(OF_JAVA), Err(CipherError::Invalid));
    }
}

#[test]
fn the_public_key_is_returned_as_ssh_and_as_pem() {
    let encryptor = with(PKCS1);
    assert_eq!(encryptor.public_key().unwrap(), format!("{SSH} application"));
    let pem = encryptor.public_key_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA9U65"), "{pem}");
    assert_eq!(with("a password of some length").public_key(), Err(CipherError::NoPublicKey));
}

#[test]
fn an_alias_selects_the_key_and_is_kept() {
    let keys = [("old".to_owned(), Secret::new("the old password of before".to_owned()))].into();
    let encryptor = Encryptor::new(&EncryptConfig { keys, ..config("the new password of today") }).unwrap();
    let old = with("the old password of before").encrypt("x").unwrap();
    assert_eq!(encryptor.decrypt(&format!("{{key:old}}{old}")).unwrap(), "x");
    assert_eq!(encryptor.decrypt(&old), Err(CipherError::Invalid));
    let again = encryptor.encrypt("{key:old}{plain}{x}").unwrap();
    assert!(again.starts_with("{key:old}"), "{again}");
    assert_eq!(with("the old password of before").decrypt(&again).unwrap(), "{x}");
}

#[test]
fn invalid_cipher_text_is_refused_and_debug_shows_no_key() {
    let good = with("a password of some length").encrypt("x").unwrap();
    let cut = &good[..good.len() - 2];
    for key in ["a password of some length", PKCS8] {
        for text in ["", "zz", "00", "abc", cut, "AAAA", "//8A", &"00".repeat(16), &"ff".repeat(33), "äöü", "{key:"]
        {
            assert_eq!(with(key).decrypt(text), Err(CipherError::Invalid), "{text}");
        }
    }
    assert_eq!(Encryptor::default().decrypt(&good), Err(CipherError::NoKey));
    assert_eq!(Encryptor::default().encrypt("x"), Err(CipherError::NoKey));
    let shown = format!("{:?} {:?}", with("a password of some length"), config("a password of some length"));
    assert!(!shown.contains("password of"), "{shown}");
}

#[test]
fn invalid_keys_are_reported_without_showing_them() {
    let cut = PKCS8.split_at(900).0;
    let swapped = PKCS8.replace("PRIVATE KEY", "EC PRIVATE KEY");
    for (key, part) in [
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "public key"),
        (SSH, "public key"),
        (cut, "no line END"),
        (&swapped, "not an RSA key"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "2048"),
    ] {
        let mistakes = Encryptor::new(&config(key)).unwrap_err().join("\n");
        assert!(mistakes.contains(part) && mistakes.contains("encrypt.key"), "{mistakes}");
        assert!(!mistakes.contains("MII"), "{mistakes}");
    }
    let salted = EncryptConfig { salt: "xyz".to_owned(), ..config("a password of some length") };
    assert!(Encryptor::new(&salted).unwrap_err().join("").contains("hexadecimal"));
}
