//! Multipart forms, as crash handlers and browsers post them: <https://www.rfc-editor.org/rfc/rfc7578>.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use thiserror::Error;

/// Files and texts a form may hold.
const MOST_FIELDS: usize = 1_000;

/// A form taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub files: Vec<File>,
    /// Names of fields and what stands in them.
    pub texts: Vec<(String, String)>,
}

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The name of its field.
    pub field: String,
    pub name: Option<String>,
    pub content_type: Option<String>,
    pub content: Bytes,
}

/// Why a form cannot be taken apart.
#[derive(Debug, Error)]
pub enum FormError {
    /// It breaks off, or its parts have no proper heads.
    #[error("{0}")]
    Broken(#[from] multer::Error),
    /// More than any crash handler sends.
    #[error("a form may hold {MOST_FIELDS} fields")]
    TooManyFields,
}

/// What separates the parts of a form, out of its `Content-Type`; none where that is of something else.
pub fn boundary(content_type: &str) -> Option<String> {
    multer::parse_boundary(content_type).ok()
}

impl Form {
    /// Takes a form apart. A field is a file when it names one, or is called `file_field`.
    pub fn parse(body: Bytes, boundary: String, file_field: &str) -> Result<Form, FormError> {
        // All of it is here, so there is nothing to wait for.
        let broken = Err(FormError::Broken(multer::Error::IncompleteStream));
        take_apart(body, boundary, file_field).now_or_never().unwrap_or(broken)
    }
}

fn take_apart(body: Bytes, boundary: String, file_field: &str) -> impl Future<Output = Result<Form, FormError>> {
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    async move {
        let mut form = Form::default();
        while let Some(mut part) = parts.next_field().await? {
            if form.files.len() + form.texts.len() == MOST_FIELDS {
                return Err(FormError::TooManyFields);
            }
            let field = part.name().unwrap_or_default().to_owned();
            let name = part.file_name().map(str::to_owned);
            if name.is_some() || field == file_field {
                let content_type = part.content_type().map(ToString::to_string);
                // It nearly always comes in one piece, which need not be copied once more.
                let first = part.chunk().await?.unwrap_or_default();
                let rest = part.bytes().await?;
                let content = if rest.is_empty() { first } else { [first, rest].concat().into() };
                form.files.push(File { field, name, content_type, content });
            } else {
                form.texts.push((field, part.text().await?));
            }
        }
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Form, FormError> {
        Form::parse(Bytes::from(body.to_owned()), "b".into(), "dump")
    }

    #[test]
    fn a_form_is_files_and_texts() {
        let part = |head: &str, body: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
        let form = part("name=\"release\"", "shop@1") + &part("name=\"dump\"", "MDMP") + "--b\r\n";
        let log = "Content-Disposition: form-data; name=\"log\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nlast\nwords\r\n--b--\r\n";
        let form = parse(&(form + log)).unwrap();
        assert_eq!(form.texts, [("release".to_owned(), "shop@1".to_owned())]);
        let file = |field: &str, name: Option<&str>, content_type: Option<&str>, content: &'static str| File {
            field: field.to_owned(),
            name: name.map(str::to_owned),
            content_type: content_type.map(str::to_owned),
            content: Bytes::from(content),
        };
        let expected =
            [file("dump", None, None, "MDMP"), file("log", Some("a.txt"), Some("text/plain"), "last\nwords")];
        assert_eq!(form.files, expected);
    }

    #[test]
    fn a_form_that_breaks_off_or_never_ends_is_refused() {
        assert!(matches!(
            parse("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf"),
            Err(FormError::Broken(_))
        ));
        let field = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        assert!(matches!(parse(&(field.repeat(MOST_FIELDS + 1) + "--b--")), Err(FormError::TooManyFields)));
    }

    #[test]
    fn a_boundary_is_named_by_the_content_type() {
        assert_eq!(boundary("multipart/form-data; boundary=b").as_deref(), Some("b"));
        assert_eq!(boundary("application/x-dmp"), None);
    }
}
