//! A server of one file that does what the test says, and remembers what it was asked.

#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::Builder;

/// What the server does with a request; `n` counts from 1.
pub(crate) type Script = dyn Fn(&Request, &mut TcpStream) + Send + Sync;

/// Address and requests so far. The thread ends with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) n: usize,
    pub(crate) path: String,
    /// First byte asked for.
    pub(crate) from: Option<u64>,
    pub(crate) if_range: Option<String>,
}

impl Server {
    pub(crate) fn new(script: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&requests));
        let serve = move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                let answer = move || {
                    let Some(request) = read(&stream, &seen) else { return };
                    script(&request, &mut stream);
                };
                Builder::new().name("answer".to_owned()).spawn(answer).unwrap();
            }
        };
        Builder::new().name("server".to_owned()).spawn(serve).unwrap();
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Option<u64>> {
        self.requests.lock().unwrap().iter().map(|request| request.from).collect()
    }
}

fn read(stream: &TcpStream, seen: &Mutex<Vec<Request>>) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut request = Request { n: 0, path, from: None, if_range: None };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let start = value.trim().strip_prefix("bytes=")?.strip_suffix('-')?;
                request.from = start.parse().ok();
            }
            "if-range" => request.if_range = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut seen = seen.lock().unwrap();
    request.n = seen.len() + 1;
    seen.push(request.clone());
    Some(request)
}

/// Writes a head; `headers` end with line breaks. A client that has gone is no fault.
pub(crate) fn head(stream: &mut TcpStream, status: &str, headers: &str) {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n").ok();
}

/// Answers with the file, or the part that was asked for if its version is still `etag`.
pub(crate) fn file(request: &Request, stream: &mut TcpStream, content: &[u8], etag: &str) {
    let is_same = request.if_range.as_deref().is_none_or(|version| version == etag);
    let n = content.len();
    match request.from.map(|start| start as usize).filter(|_| is_same) {
        Some(start) if start >= n => {
            head(stream, "416 Range Not Satisfiable", &format!("Content-Range: bytes */{n}\r\n"));
        }
        Some(start) => {
            let headers = format!(
                "ETag: {etag}\r\nContent-Range: bytes {start}-{}/{n}\r\nContent-Length: {}\r\n",
                n - 1,
                n - start,
            );
            head(stream, "206 Partial Content", &headers);
            stream.write_all(&content[start..]).ok();
        }
        None => {
            head(stream, "200 OK", &format!("ETag: {etag}\r\nContent-Length: {n}\r\n"));
            stream.write_all(content).ok();
        }
    }
}
