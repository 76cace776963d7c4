//! The address of a server.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::Uri;
use thiserror::Error;

/// The longest host, in bytes (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 255;

/// Why an address is not used.
#[derive(Debug, Error)]
pub enum UrlError {
    /// It is not the address of a server: `https://` with a host is expected, and a path at most, in the
    /// form that is sent. A name in other letters than ASCII is written as DNS has it (`xn--…`).
    #[error("not the address of a server")]
    Malformed,
    /// Without TLS everybody on the way reads the token. Use `https://`, or a loopback address.
    #[error("a server is spoken to with TLS, unless it is on this machine")]
    Plain,
    /// TLS cannot be set up, for want of root certificates most likely: see the source. Never with a
    /// transport of the app's own.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

/// The address of a server, checked, without a slash at its end.
///
/// Stricter than a browser's reading: what two parsers could take for two servers is refused, so that the
/// host that was checked is the one that any transport will speak to.
pub(crate) fn check_url(text: &str, allow_plain: bool) -> Result<String, UrlError> {
    // The parser would drop it without a word.
    if text.contains('#') {
        return Err(UrlError::Malformed);
    }
    let url = text.parse::<Uri>().map_err(|_| UrlError::Malformed)?;
    let (Some(scheme), Some(authority), None) = (url.scheme_str(), url.authority(), url.query())
    else {
        return Err(UrlError::Malformed);
    };
    let host = authority.host().to_ascii_lowercase();
    let port = port(authority.as_str(), &host).ok_or(UrlError::Malformed)?;
    if !is_host(&host) || !is_path(url.path()) {
        return Err(UrlError::Malformed);
    }
    let usual = match scheme {
        "https" => 443,
        "http" if allow_plain || is_loopback(&host) => 80,
        "http" => return Err(UrlError::Plain),
        _ => return Err(UrlError::Malformed),
    };
    let port = port.filter(|port| *port != usual).map(|port| format!(":{port}"));
    let path = url.path().trim_end_matches('/');
    Ok(format!("{scheme}://{host}{}{path}", port.unwrap_or_default()))
}

/// What follows the host: nothing, or a port. `None` where it is anything else, or a name is before it.
fn port(authority: &str, host: &str) -> Option<Option<u16>> {
    let (before, rest) = authority.split_at_checked(host.len())?;
    if !before.eq_ignore_ascii_case(host) {
        return None;
    }
    match rest {
        "" => Some(None),
        // A sign is no digit.
        rest => rest
            .strip_prefix(':')
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?
            .parse()
            .ok()
            .map(Some),
    }
}

/// A name, or an address as it is usually written: not `127.1`, which some read as another number.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // The dot of the root.
    let host = host.strip_suffix('.').unwrap_or(host);
    // A number at the end makes it an address (WHATWG URL, "ends in a number checker").
    let last = host.rsplit('.').next().unwrap_or_default();
    let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= MAX_HOST
        && host.split('.').all(is_label)
        && (!ends_in_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Segments of the form that is sent (RFC 3986, section 3.3), which nobody resolves on the way.
fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&byte);
    let mut parts = path.split('%');
    let is_first = parts.next().is_none_or(|part| part.bytes().all(is_plain));
    // An encoded dot is a dot to some.
    let is_escaped = |part: &str| match part.as_bytes() {
        [b'2', b'e' | b'E', ..] => false,
        [high, low, rest @ ..] => {
            high.is_ascii_hexdigit()
                && low.is_ascii_hexdigit()
                && rest.iter().copied().all(is_plain)
        }
        _ => false,
    };
    is_first
        && parts.all(is_escaped)
        && path.split('/').all(|segment| !matches!(segment, "." | ".."))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
