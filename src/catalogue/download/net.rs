//! The side of a download that waits for the network, on a thread of its own: whoever wants the file
//! is never held up by a silent server.

use std::io::{self, Read as _};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::error::DownloadError;

/// Most bytes per message, and how many of these may wait.
const PIECE: usize = 256 << 10;
const N_WAITING: usize = 16;
const MAX_REDIRECTS: usize = 8;
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// A server that says nothing for so long has gone away.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) url: String,
    /// First byte wanted, and what tells that the file is still the same.
    pub(super) from: Option<(u64, Option<String>)>,
}

/// What comes, in this order: one head, pieces, the end.
#[derive(Debug)]
pub(super) enum Message {
    Head(Head),
    Piece(Vec<u8>),
    End,
    Error(DownloadError),
}

/// What a server says before the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) host: String,
    pub(super) n_content: Option<u64>,
    /// First byte and size of the whole, of a part; of a refused range the size alone.
    pub(super) range: Option<(u64, Option<u64>)>,
    pub(super) size: Option<u64>,
    /// A strong tag, or else the date of the last change.
    pub(super) version: Option<String>,
    pub(super) retry_after: Option<u64>,
    /// What the hub says of the file behind a redirect: its SHA-256 and its size.
    pub(super) linked_sha256: Option<String>,
    pub(super) linked_size: Option<u64>,
}

/// Begins; the thread ends by itself when nobody listens any more.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn fetch(ask: Ask) -> io::Result<Receiver<Message>> {
    let (sender, receiver) = bounded(N_WAITING);
    let work = move || {
        let end = match run(&ask, &sender) {
            Ok(()) => Message::End,
            Err(error) => Message::Error(error),
        };
        // Nobody listens after a stop.
        sender.send(end).ok();
    };
    Builder::new().name("network".to_owned()).spawn(work)?;
    Ok(receiver)
}

fn run(ask: &Ask, sender: &Sender<Message>) -> Result<(), DownloadError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_LIMIT))
        .timeout_recv_response(Some(SILENCE_LIMIT))
        .timeout_per_read(Some(SILENCE_LIMIT))
        .user_agent(concat!("Underpaint/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .build();
    let agent = Agent::new_with_config(config);
    let mut url = ask.url.clone();
    let mut linked = Head::default();
    for _ in 0..=MAX_REDIRECTS {
        let host = host_of(&url);
        let mut request = agent.get(&url);
        if let Some((start, version)) = &ask.from {
            request = request.header(header::RANGE, format!("bytes={start}-"));
            if let Some(version) = version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = request.call().map_err(|error| told(&error, &host))?;
        let headers = response.headers();
        linked.linked_sha256 = linked.linked_sha256.or_else(|| {
            let tag = text(headers, "x-linked-etag")?.trim_matches('"').to_lowercase();
            (tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(tag)
        });
        linked.linked_size =
            linked.linked_size.or_else(|| text(headers, "x-linked-size")?.parse().ok());
        if response.status().is_redirection() && response.status() != 304 {
            let to = text(headers, "location").map(|to| joined(&url, to));
            let confused = |reason: &str| DownloadError::Confused {
                host: host.clone(),
                reason: reason.to_owned(),
            };
            let to = to.ok_or_else(|| confused("it sends on to nowhere"))?;
            let is_safe = to.starts_with("https://") || is_plain(&to) && is_plain(&url);
            if !is_safe {
                return Err(confused("it sends on to an address that is not secure"));
            }
            url = to;
            continue;
        }
        let head = Head { host, ..head_of(&response, linked) };
        return send_content(response, head, sender);
    }
    let host = host_of(&ask.url);
    Err(DownloadError::Confused { host, reason: "it sends on and on".to_owned() })
}

fn is_plain(url: &str) -> bool {
    url.starts_with("http://")
}

fn send_content(
    response: Response<Body>,
    head: Head,
    sender: &Sender<Message>,
) -> Result<(), DownloadError> {
    let has_content = matches!(head.status, 200 | 206);
    let broke_off = |n_bytes, reason: String| DownloadError::BrokeOff { n_bytes, reason };
    if sender.send(Message::Head(head)).is_err() || !has_content {
        return Ok(());
    }
    let mut reader = response.into_body().into_with_config().limit(u64::MAX).reader();
    let mut n_bytes = 0;
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                n_bytes += n as u64;
                // At once, so that slow servers are seen to be alive.
                if sender.send(Message::Piece(piece[..n].to_vec())).is_err() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broke_off(n_bytes, error.to_string())),
        }
    }
}

fn head_of(response: &Response<Body>, linked: Head) -> Head {
    let headers = response.headers();
    let number = |name| text(headers, name).and_then(|text| text.trim().parse().ok());
    let tag = text(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    let (range, size) = match text(headers, "content-range").map(content_range) {
        Some((Some(start), size)) => (Some((start, size)), size),
        Some((None, size)) => (None, size),
        None => (None, None),
    };
    Head {
        status: response.status().as_u16(),
        n_content: number("content-length"),
        range,
        size,
        version: tag.or_else(|| text(headers, "last-modified")).map(ToOwned::to_owned),
        retry_after: number("retry-after"),
        ..linked
    }
}

/// `bytes 5-9/10` and `bytes */10`: the first byte and the size of the whole.
fn content_range(text: &str) -> (Option<u64>, Option<u64>) {
    let text = text.trim().trim_start_matches("bytes").trim();
    let (range, size) = text.split_once('/').unwrap_or((text, "*"));
    let start = range.split('-').next().and_then(|start| start.parse().ok());
    (start, size.parse().ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `huggingface.co` of an address.
pub fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest).to_owned()
}

/// Where a redirect leads, seen from where it was given.
fn joined(from: &str, to: &str) -> String {
    if to.contains("://") {
        return to.to_owned();
    }
    let scheme = from.split_once("://").map_or("https", |(scheme, _)| scheme);
    match to.strip_prefix("//") {
        Some(rest) => format!("{scheme}://{rest}"),
        None if to.starts_with('/') => format!("{scheme}://{}{to}", host_of(from)),
        None => {
            let folder = from.rfind('/').map_or(from, |end| &from[..end]);
            format!("{folder}/{to}")
        }
    }
}

fn told(error: &ureq::Error, host: &str) -> DownloadError {
    let (host, reason) = (host.to_owned(), error.to_string());
    match error {
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            DownloadError::Tls { host, reason }
        }
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed => DownloadError::NoNetwork { host, reason },
        _ => DownloadError::Confused { host, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_they_say() {
        let from = "https://host:8/a/b?c";
        for (to, expected) in [
            ("http://other/x", "http://other/x"),
            ("//cdn/x", "https://cdn/x"),
            ("/x/y", "https://host:8/x/y"),
            ("x", "https://host:8/a/x"),
        ] {
            assert_eq!(joined(from, to), expected);
        }
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), (Some(5), Some(10)));
        assert_eq!(content_range("bytes */10"), (None, Some(10)));
        assert_eq!(content_range("bytes 5-9/*"), (Some(5), None));
        assert_eq!(content_range("nonsense"), (None, None));
    }
}
