//! A minimal SMTP server that accepts mails, or refuses as many as a test wants.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone)]
pub struct MailServer {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    taken: Vec<String>,
    offered: Vec<String>,
    refusals: (usize, String),
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { url: format!("smtp://{}", listener.local_addr().unwrap()), state: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                // An error ends this connection only.
                tokio::spawn(async move { server.converse(stream).await.ok() });
            }
        });
        server
    }

    /// Refuses the next `count` mails with `reply`.
    pub fn refuse_next(&self, count: usize, reply: &str) {
        self.state.lock().unwrap().refusals = (count, reply.to_owned());
    }

    /// Returns the accepted mails, headers included.
    pub fn taken(&self) -> Vec<String> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Returns all mails that a client sent, accepted or not.
    pub fn offered(&self) -> Vec<String> {
        self.state.lock().unwrap().offered.clone()
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            let reply = match verb.as_str() {
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mail = read_mail(&mut stream).await?;
                    self.reply_to(mail)
                }
                "QUIT" => return stream.write_all(b"221 bye\r\n").await,
                "EHLO" => "250-test\r\n250 8BITMIME".to_owned(),
                _ => "250 ok".to_owned(),
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }

    fn reply_to(&self, mail: String) -> String {
        let mut state = self.state.lock().unwrap();
        state.offered.push(mail.clone());
        if state.refusals.0 > 0 {
            state.refusals.0 -= 1;
            return state.refusals.1.clone();
        }
        state.taken.push(mail);
        "250 taken".to_owned()
    }
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let before = mail.len();
        if stream.read_line(&mut mail).await? == 0 || &mail[before..] == ".\r\n" {
            mail.truncate(before);
            return Ok(mail);
        }
    }
}

/// Returns the value of a header that stands on one line.
pub fn header<'m>(mail: &'m str, name: &str) -> &'m str {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}
