//! What an event was sent as. Most are an event's JSON; the others are made one here, before anything else is done with them.

use serde::{Deserialize, Serialize};

use super::{Judged, Outcome, Received};
use crate::protocol::{
    event::Invalid,
    filter::Reason,
    item::Category,
    json::Object,
    security::incoming::{self, Additions, Endpoint, Unusable},
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
            SentAs::Event => Category::Error,
            SentAs::Security | SentAs::Report(_) | SentAs::Nel => Category::Security,
        }
    }
}

impl Received {
    /// The event, whatever it was sent as. `parse` reads JSON.
    pub(super) fn event(&self, parse: impl FnOnce(&[u8]) -> Result<Object, Invalid>) -> Result<Object, Refused> {
        let (endpoint, additions) = match &self.sent_as {
            SentAs::Event | SentAs::Security => return Ok(parse(&self.body)?),
            SentAs::Report(additions) => (Endpoint::Security, additions),
            SentAs::Nel => (Endpoint::Nel, &Additions::default()),
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
