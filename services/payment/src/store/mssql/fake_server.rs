//! A fake server for tests: it speaks enough of TDS to receive requests and to send scripted responses. It understands no
//! SQL, and records each request with its connection and transaction.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use souk_values::Secret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::{
    address::{Address, Encryption},
    statements,
};

/// Lowest severity of the errors after which a server closes the connection.
const FATAL: u8 = 20;

/// A cell of a row in a response.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Big(Option<i64>),
    Text(Option<&'static str>),
    /// Unix time in milliseconds.
    Time(Option<i64>),
}

#[derive(Debug, Clone)]
pub(super) enum Response {
    Done,
    /// Success with a count of changed rows.
    Changed(u64),
    /// Rows, after the names of their columns.
    Rows(&'static [&'static str], Vec<Vec<Cell>>),
    /// An error with its number, severity and text. After one of severity 20 or more, the connection is closed.
    Error(u32, u8, &'static str),
    /// An error with its number and severity, after which the connection is closed without the end of the response.
    CutError(u32, u8),
    /// Success, once [`FakeServer::resume`] is called.
    Delayed,
    Silence,
    /// The connection is closed.
    Disconnect,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Number of the connection, from 1.
    pub connection: usize,
    pub is_in_transaction: bool,
    pub sql: String,
}

/// Responses by the beginning of the statement, each used once, in order.
type Script = Vec<(&'static str, VecDeque<Response>)>;

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<Request>>,
    connections: Mutex<usize>,
    resume: Notify,
}

#[derive(Debug, Clone)]
pub(super) struct FakeServer {
    port: u16,
    shared: Arc<Shared>,
}

impl FakeServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let server = Self { port, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = {
                    let mut connections = shared.connections.lock().unwrap();
                    *connections += 1;
                    *connections
                };
                // Ends when the client disconnects.
                tokio::spawn(serve(stream, number, Arc::clone(&shared)));
            }
        });
        server
    }

    pub fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            database: "souk".to_owned(),
            user: "sa".to_owned(),
            password: Secret::new("hunter2".to_owned()),
            encryption: Encryption::Nothing,
            trusts_certificate: false,
            connections: 4,
        }
    }

    /// Scripts the response to the next statement that begins with `sql`; another call, to the one after it.
    pub fn respond(&self, sql: &'static str, response: Response) {
        let mut script = self.shared.script.lock().unwrap();
        match script.iter_mut().find(|(known, _)| *known == sql) {
            Some((_, responses)) => responses.push_back(response),
            None => script.push((sql, VecDeque::from([response]))),
        }
    }

    /// Returns the requests received so far, without those that set up sessions.
    pub fn requests(&self) -> Vec<Request> {
        let mut requests = self.shared.requests.lock().unwrap().clone();
        requests.retain(|request| request.sql != statements::SESSION);
        requests
    }

    /// Returns the statements received so far, likewise.
    pub fn statements(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.sql).collect()
    }

    /// Deletes the record of requests.
    pub fn clear(&self) {
        self.shared.requests.lock().unwrap().clear();
    }

    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    pub fn resume(&self) {
        self.shared.resume.notify_one();
    }
}

async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    let mut is_in_transaction = false;
    while let Some((kind, body)) = message(&mut stream).await {
        let tokens = match kind {
            0x12 => prelogin(),
            0x10 => login_response(),
            _ => {
                let (descriptor, sql) = request(kind, &body);
                shared.requests.lock().unwrap().push(Request {
                    connection,
                    is_in_transaction: descriptor != 0,
                    sql: sql.clone(),
                });
                let response = {
                    let mut script = shared.script.lock().unwrap();
                    let next = script.iter_mut().find(|(begin, left)| sql.starts_with(begin) && !left.is_empty());
                    next.and_then(|(_, responses)| responses.pop_front()).unwrap_or(Response::Done)
                };
                let mut tokens = Vec::new();
                match response {
                    Response::Disconnect => return,
                    Response::CutError(number, severity) => {
                        send(&mut stream, &error_token(number, severity, "cut off"), false).await;
                        return;
                    }
                    Response::Error(_, FATAL.., _) => {
                        send(&mut stream, &response_tokens(&response, kind == 3), true).await;
                        return;
                    }
                    Response::Silence => std::future::pending().await,
                    Response::Delayed => shared.resume.notified().await,
                    // As with XACT_ABORT, an error ends the transaction.
                    Response::Error(..) if is_in_transaction => {
                        tokens.extend(transaction_change(10));
                        is_in_transaction = false;
                    }
                    _ if sql.contains("; BEGIN TRANSACTION;") => {
                        tokens.extend(transaction_change(8));
                        is_in_transaction = true;
                    }
                    _ if is_in_transaction && [statements::COMMIT, statements::ROLLBACK].contains(&sql.as_str()) => {
                        tokens.extend(transaction_change(9));
                        is_in_transaction = false;
                    }
                    _ => {}
                }
                tokens.extend(response_tokens(&response, kind == 3));
                tokens
            }
        };
        if send(&mut stream, &tokens, true).await.is_none() {
            return;
        }
    }
}

/// Reads a message of one or more packets; `None` when the client has disconnected.
async fn message(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let mut header = [0_u8; 8];
        stream.read_exact(&mut header).await.ok()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - header.len();
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet).await.ok()?;
        body.extend(packet);
        if header[1] & 1 == 1 {
            return Some((header[0], body));
        }
    }
}

/// Sends a message, or its beginning if it is not `complete`.
async fn send(stream: &mut TcpStream, tokens: &[u8], complete: bool) -> Option<()> {
    let packets = tokens.chunks(4_000);
    let last = packets.len() - 1;
    for (number, packet) in packets.enumerate() {
        let length = u16::try_from(packet.len() + 8).unwrap().to_be_bytes();
        let mut bytes = vec![4, u8::from(complete && number == last), length[0], length[1], 0, 0, 1, 0];
        bytes.extend(packet);
        stream.write_all(&bytes).await.ok()?;
    }
    Some(())
}

/// Reads a batch or a call of `sp_executesql`: the transaction it is sent in, and its text.
fn request(kind: u8, body: &[u8]) -> (u64, String) {
    let headers = usize::try_from(u32::from_le_bytes(body[..4].try_into().unwrap())).unwrap();
    let descriptor = u64::from_le_bytes(body[10..18].try_into().unwrap());
    let body = &body[headers..];
    if kind == 1 {
        return (descriptor, utf16(body));
    }
    // 0xFFFF, 10, two bytes of flags; then the first parameter: name, flags, nvarchar, size, collation.
    assert_eq!(body[..4], [0xFF, 0xFF, 10, 0]);
    let mut position = 6;
    position += 1 + 2 * usize::from(body[position]) + 1;
    assert_eq!(body[position], 0xE7, "the text is nvarchar");
    let is_long = body[position + 1..position + 3] == [0xFF, 0xFF];
    position += 3 + 5;
    assert!(!is_long, "no statement is longer than 4,000 characters");
    let length = usize::from(u16::from_le_bytes([body[position], body[position + 1]]));
    (descriptor, utf16(&body[position + 2..position + 2 + length]))
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).unwrap()
}

fn prelogin() -> Vec<u8> {
    // Version at 11, six bytes; encryption at 17, one byte: not supported.
    vec![0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 15, 0, 0, 0, 0, 0, 2]
}

fn login_response() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    body.extend(short_text("fake"));
    body.extend([15, 0, 0, 0]);
    let mut tokens = sized(0xAD, &body);
    tokens.extend(done(0xFD, 0, 0));
    tokens
}

fn transaction_change(kind: u8) -> Vec<u8> {
    let descriptor = [8, 1, 2, 3, 4, 5, 6, 7, 8];
    let (new, old): (&[u8], &[u8]) = if kind == 8 { (&descriptor, &[0]) } else { (&[0], &descriptor) };
    sized(0xE3, &[&[kind], new, old].concat())
}

fn response_tokens(response: &Response, is_call: bool) -> Vec<u8> {
    let mut tokens = Vec::new();
    // DONEINPROC ends a statement within a call, DONEPROC the call; DONE ends a statement of a batch.
    let (one, last) = if is_call { (0xFF, Some(0xFE)) } else { (0xFD, None) };
    let more = u16::from(is_call);
    let mut status = 0;
    match response {
        Response::Changed(rows) => tokens.extend(done(one, 0x10 | more, *rows)),
        Response::Rows(columns, rows) => {
            tokens.extend(described(columns, rows));
            for row in rows {
                tokens.push(0xD1);
                tokens.extend(row.iter().flat_map(cell_bytes));
            }
            tokens.extend(done(one, 0x10 | more, u64::try_from(rows.len()).unwrap()));
        }
        Response::Error(number, severity, text) => {
            tokens.extend(error_token(*number, *severity, text));
            status = 2;
            tokens.extend(done(one, status | more, 0));
        }
        _ => tokens.extend(done(one, more, 0)),
    }
    if let Some(last) = last {
        tokens.extend(done(last, status, 0));
    }
    tokens
}

fn error_token(number: u32, severity: u8, text: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, severity]);
    body.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    body.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    body.extend([0, 0, 1, 0, 0, 0]);
    sized(0xAA, &body)
}

fn described(columns: &[&str], rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut tokens = vec![0x81];
    tokens.extend(u16::try_from(columns.len()).unwrap().to_le_bytes());
    for (position, name) in columns.iter().enumerate() {
        tokens.extend([0, 0, 0, 0, 1, 0]);
        match rows.first().map_or(&Cell::Big(None), |row| &row[position]) {
            Cell::Big(_) => tokens.extend([0x26, 8]),
            Cell::Text(_) => tokens.extend([0xE7, 0x40, 0x1F, 9, 4, 0xD0, 0, 0x34]),
            Cell::Time(_) => tokens.extend([0x2A, 3]),
        }
        tokens.extend(short_text(name));
    }
    tokens
}

fn cell_bytes(cell: &Cell) -> Vec<u8> {
    match cell {
        Cell::Big(None) | Cell::Time(None) => vec![0],
        Cell::Big(Some(number)) => [&[8][..], &number.to_le_bytes()].concat(),
        Cell::Text(None) => vec![0xFF, 0xFF],
        Cell::Text(Some(text)) => {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&u16::try_from(bytes.len()).unwrap().to_le_bytes()[..], &bytes].concat()
        }
        Cell::Time(Some(millis)) => {
            let days = millis.div_euclid(86_400_000) + 719_162;
            let of_day = millis.rem_euclid(86_400_000);
            [&[7][..], &of_day.to_le_bytes()[..4], &days.to_le_bytes()[..3]].concat()
        }
    }
}

fn done(token: u8, status: u16, rows: u64) -> Vec<u8> {
    [&[token][..], &status.to_le_bytes(), &[0, 0], &rows.to_le_bytes()].concat()
}

fn sized(token: u8, body: &[u8]) -> Vec<u8> {
    [&[token][..], &u16::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
}

fn short_text(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.len()).unwrap()];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}
