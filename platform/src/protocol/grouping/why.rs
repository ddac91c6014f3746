//! Why a part of an event does not count for its group, or why what it looks like another way does not.

/// A reason, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Counts,
    NotInApp,
    RuntimesOwn,
    Recursion,
    EndlessRecursion,
    BeyondMaxFrames,
    TellsNothing,
    Unnamed,
    StackRule,
    HandlersWord,
    Frames,
    OtherFrames,
    Fingerprint,
    AppFrames,
    NoAppFrame,
    DomainAndCode,
}

impl Why {
    /// In English.
    pub fn words(self) -> &'static str {
        match self {
            Why::Counts => "",
            Why::NotInApp => "not in the application",
            Why::RuntimesOwn => "a runtime's or the SDK's own",
            Why::Recursion => "recursion",
            Why::EndlessRecursion => "endless recursion",
            Why::BeyondMaxFrames => "beyond max-frames",
            Why::TellsNothing => "tells nothing that stays the same",
            Why::Unnamed => "unnamed, beside a named one of its file",
            Why::StackRule => "a stack trace rule",
            Why::HandlersWord => "the handler's word, not the program's",
            Why::Frames => "the frames count",
            Why::OtherFrames => "another exception's frames count",
            Why::Fingerprint => "the fingerprint takes precedence",
            Why::AppFrames => "the application's frames take precedence",
            Why::NoAppFrame => "no frame of the application counts",
            Why::DomainAndCode => "the error's domain and code count",
        }
    }
}
