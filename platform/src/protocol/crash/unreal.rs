//! The container in which the Unreal Engine sends a crash: names and files, one after the other, packed as one zlib stream.
//!
//! A header says how many files there are. Since 4.25 it stands at the start, after `CR1`; before, the one at the start is
//! empty and the right one stands at the end.

use bytes::Bytes;

/// No crash has as many.
const MOST_FILES: usize = 256;
const LONGEST_NAME: usize = 4_096;
const MAGIC: &[u8] = b"CR1";

/// A file of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub content: Bytes,
}

impl File {
    /// What it is, in the words of item headers.
    pub fn attachment_type(&self) -> &'static str {
        let name = self.name.to_ascii_lowercase();
        if self.content.starts_with(b"MDMP") || self.content.starts_with(b"PMDM") {
            "event.minidump"
        } else if name.ends_with("crashcontext.runtime-xml") {
            "unreal.context"
        } else if name.rsplit_once('.').is_some_and(|(_, extension)| extension == "log") {
            "unreal.logs"
        } else {
            "event.attachment"
        }
    }
}

/// Whether a body is a container that needs no unpacking.
pub fn is_plain(body: &[u8]) -> bool {
    body.starts_with(MAGIC)
}

/// Takes an unpacked container apart; none where it is none.
pub fn open(container: &Bytes) -> Option<Vec<File>> {
    let mut reader = Reader { bytes: container, at: 0 };
    let count = if is_plain(container) {
        reader.at = MAGIC.len();
        reader.header()?
    } else {
        reader.header()?;
        let end = container.len().checked_sub(size_of::<u32>())?;
        Reader { bytes: container, at: end }.number()?
    };
    (count <= MOST_FILES).then_some(())?;
    (0..count).map(|_| reader.file()).collect()
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    /// Folder, name, size, and the number of files.
    fn header(&mut self) -> Option<usize> {
        self.text()?;
        self.text()?;
        self.number()?;
        self.number()
    }

    fn file(&mut self) -> Option<File> {
        self.number()?;
        let name = self.text()?;
        let length = self.number()?;
        Some(File { name, content: self.take(length)? })
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number().filter(|length| *length <= LONGEST_NAME)?;
        let text = self.take(length)?;
        Some(String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned())
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.take(size_of::<u32>())?;
        u32::from_le_bytes(bytes[..].try_into().ok()?).try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Some(taken)
    }
}
