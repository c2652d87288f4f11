//! The broker's version, out of the greeting that AMQP 0-9-1 begins with: `Connection.Start` with the server's
//! properties. The driver does not pass them on.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a client says first.
const PROTOCOL: &[u8] = b"AMQP\x00\x00\x09\x01";
/// More than any greeting is.
const LONGEST: usize = 16 * 1024;
/// The oldest that has what the topology needs: dead letters that are confirmed.
pub const OLDEST: (u32, u32) = (3, 10);

/// The version that the broker at `url` greets with; `None` if it greets over TLS or says none.
pub async fn read(url: &str) -> std::io::Result<Option<String>> {
    let Ok(url) = url::Url::parse(url) else { return Ok(None) };
    let (Some(host), "amqp") = (url.host_str(), url.scheme()) else { return Ok(None) };
    let mut stream = TcpStream::connect((host, url.port().unwrap_or(5672))).await?;
    stream.write_all(PROTOCOL).await?;
    // A frame: type, channel (2 bytes), length (4 bytes), the rest.
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let [.., a, b, c, d] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(LONGEST);
    let mut greeting = vec![0; length.min(LONGEST)];
    stream.read_exact(&mut greeting).await?;
    Ok(version_in(&greeting))
}

/// The field `version` of the properties: its name with its length before it, `S`, four bytes of length, the text.
fn version_in(greeting: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"\x07versionS";
    let at = greeting.windows(FIELD.len()).position(|window| window == FIELD)?;
    let rest = greeting.get(at + FIELD.len()..)?;
    let (length, text) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    String::from_utf8(text.get(..length)?.to_vec()).ok()
}

/// Whether a broker of `version` has what the topology needs. What is no such number is believed to.
pub fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_a_greeting() {
        let mut greeting = b"\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x50\x07productS\x00\x00\x00\x08RabbitMQ".to_vec();
        assert_eq!(version_in(&greeting), None);
        greeting.extend(b"\x07versionS\x00\x00\x00\x06");
        assert_eq!(version_in(&greeting), None, "cut off");
        greeting.extend(b"3.10.8\x00\x00\x00\x0eAMQPLAIN PLAIN");
        assert_eq!(version_in(&greeting).as_deref(), Some("3.10.8"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, is_enough) in
            [("3.10.8", true), ("3.9.29", false), ("3.13.0", true), ("4.1.0", true), ("2.8.7", false), ("next", true)]
        {
            assert_eq!(is_new_enough(version), is_enough, "{version}");
        }
    }
}
