//! Reads the broker's version from `Connection.Start`, the first frame of AMQP 0-9-1, which carries the server's
//! properties. The driver does not expose them.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Protocol header, sent by the client before any frame.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// Limit of the first frame in bytes, more than any broker sends.
const MAX_FRAME: usize = 16 * 1024;
/// First version with at-least-once dead lettering, which the topology needs.
pub const OLDEST_SUPPORTED: (u32, u32) = (3, 10);

/// Returns the version of the broker at `url`; `None` over TLS, or when the broker does not send it.
pub async fn read(url: &str) -> std::io::Result<Option<String>> {
    let Ok(url) = url::Url::parse(url) else { return Ok(None) };
    let (Some(host), "amqp") = (url.host_str(), url.scheme()) else { return Ok(None) };
    let mut stream = TcpStream::connect((host, url.port().unwrap_or(5672))).await?;
    stream.write_all(PROTOCOL_HEADER).await?;
    // Frame header: type (1 byte), channel (2 bytes), length of the payload (4 bytes).
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let [.., a, b, c, d] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(MAX_FRAME);
    let mut payload = vec![0; length.min(MAX_FRAME)];
    stream.read_exact(&mut payload).await?;
    Ok(version_in(&payload))
}

/// Finds the field `version` in the table of properties. A field is the length of its name, the name, the type `S`, the
/// length of the text in four bytes, the text.
fn version_in(payload: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"\x07versionS";
    let start = payload.windows(FIELD.len()).position(|window| window == FIELD)?;
    let rest = payload.get(start + FIELD.len()..)?;
    let (length, text) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    String::from_utf8(text.get(..length)?.to_vec()).ok()
}

/// Returns true when a broker of `version` is new enough. A version that is no number passes.
pub fn is_supported(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_SUPPORTED,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_the_first_frame() {
        let mut payload = b"\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x50\x07productS\x00\x00\x00\x08RabbitMQ".to_vec();
        assert_eq!(version_in(&payload), None);
        payload.extend(b"\x07versionS\x00\x00\x00\x06");
        assert_eq!(version_in(&payload), None, "cut off");
        payload.extend(b"3.10.8\x00\x00\x00\x0eAMQPLAIN PLAIN");
        assert_eq!(version_in(&payload).as_deref(), Some("3.10.8"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, expected) in
            [("3.10.8", true), ("3.9.29", false), ("3.13.0", true), ("4.1.0", true), ("2.8.7", false), ("next", true)]
        {
            assert_eq!(is_supported(version), expected, "{version}");
        }
    }
}
