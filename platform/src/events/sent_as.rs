//! What an event was sent as. Most are an event's JSON; the others are made one here, before anything else is done with them.

use serde::{Deserialize, Serialize};

use super::{Judged, Outcome, Received};
use crate::{
    crashes::Crash,
    files::Files,
    protocol::{
        event::Invalid,
        filter::Reason,
        item::Category,
        json::Object,
        security::incoming::{self, Additions, Endpoint, Unusable},
    },
};

/// What stands in an event's body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentAs {
    /// An event.
    #[default]
    Event,
    /// An event about a policy of a site.
    Security,
    /// A browser's own report about a policy.
    Report(Additions),
    /// A browser's own report about a failed request.
    Nel,
    /// What a handler of crashes sent.
    Crash(Crash),
}

/// Why nothing can be made of a body.
pub(super) enum Refused {
    /// It is kept aside with the reason.
    Invalid(String),
    /// It is only counted.
    Dropped(Judged),
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Refused {
        Refused::Invalid(invalid.to_string())
    }
}

impl SentAs {
    /// What it is counted as.
    pub fn category(&self) -> Category {
        match self {
            SentAs::Event | SentAs::Crash(_) => Category::Error,
            SentAs::Security | SentAs::Report(_) | SentAs::Nel => Category::Security,
        }
    }
}

impl Received {
    /// Whether files belong to it that are not here.
    pub fn is_in_parts(&self) -> bool {
        matches!(self.sent_as, SentAs::Crash(_))
    }

    /// Fetches the files that belong to it.
    pub async fn fetch(&mut self, files: &Files) {
        if let SentAs::Crash(crash) = &mut self.sent_as {
            crash.fetch(files, self.project).await;
        }
    }

    /// Gives the files back that were fetched.
    pub(super) fn forget_files(&mut self) {
        if let SentAs::Crash(crash) = &mut self.sent_as {
            crash.forget();
        }
    }

    /// The event, whatever it was sent as. `parse` reads JSON.
    pub(super) fn event(&self, parse: impl FnOnce(&[u8]) -> Result<Object, Invalid>) -> Result<Object, Refused> {
        let (endpoint, additions) = match &self.sent_as {
            SentAs::Event | SentAs::Security => return Ok(parse(&self.body)?),
            SentAs::Report(additions) => (Endpoint::Security, additions),
            SentAs::Nel => (Endpoint::Nel, &Additions::default()),
            SentAs::Crash(crash) => {
                // What breaks off while a program dies is no reason to lose its dump.
                let of_sdk = parse(crash.sdk_event(&self.body)).unwrap_or_default();
                return Ok(crash.event(of_sdk, &self.body));
            }
        };
        // Of reports that are none there are many, and nothing to be done about them.
        let event = parse(&self.body)
            .map_err(|_| Unusable::Report)
            .and_then(|report| incoming::event(&report, endpoint, (&self.sent, self.received_at), additions));
        event.map_err(|unusable| {
            Refused::Dropped(self.judged(match unusable {
                Unusable::Report => Outcome::Unusable("security_report"),
                Unusable::Type => Outcome::Unusable("security_report_type"),
                Unusable::OtherKind => Outcome::Filtered(Reason::InvalidCsp),
            }))
        })
    }
}
