//! The public half of a key that signs artifacts.

use std::fmt;
use std::str::FromStr;

use super::TrustError;

/// A public key of minisign.
///
/// It is shown as minisign shows it, by the number that its signatures carry too:
///
/// ```
/// let line = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
/// let key: liveswap::PublicKey = line.parse()?;
/// assert_eq!(key.to_string(), "E7620F1842B4E81F");
/// # Ok::<(), liveswap::TrustError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) key: minisign_verify::PublicKey,
    pub(super) number: KeyNumber,
}

impl FromStr for PublicKey {
    type Err = TrustError;

    /// Reads the base64 line of a `minisign.pub`, or the whole file's text.
    fn from_str(text: &str) -> Result<Self, TrustError> {
        let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let failed = |why: String| TrustError::Key { text: text.trim().replace('\n', "\\n"), why };
        if line.is_empty() {
            return Err(failed("it is empty".to_owned()));
        }
        let key = minisign_verify::PublicKey::from_base64(line)
            .map_err(|why| failed(super::signature::words(&why)))?;
        let number = KeyNumber::of(line).ok_or_else(|| failed("it is cut short".to_owned()))?;
        Ok(PublicKey { key, number })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// The number by which minisign tells keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyNumber(u64);

impl KeyNumber {
    /// The number in a key or in a signature: after two bytes that name the algorithm.
    pub(super) fn of(base64: &str) -> Option<KeyNumber> {
        // Sixteen characters are the first twelve bytes.
        let first = base64.as_bytes().get(..16)?;
        let mut bits = 0u128;
        for character in first {
            let value = match character {
                b'A'..=b'Z' => character - b'A',
                b'a'..=b'z' => character - b'a' + 26,
                b'0'..=b'9' => character - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u128::from(value);
        }
        let bytes = bits.to_be_bytes();
        let number = bytes[4..].get(2..10)?.try_into().ok()?;
        Some(KeyNumber(u64::from_le_bytes(number)))
    }
}

impl fmt::Display for KeyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}
