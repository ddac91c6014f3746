//! What was seen on the way to a verdict, step by step, for the *try it* page, `picket config check` and the debug log.

use std::fmt;

/// Where on the way one is, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Settings,
    Connect,
    Tls,
    /// As who searches.
    Bind,
    Search,
    /// As whoever signs in.
    Password,
    Groups,
    Mapping,
}

impl Step {
    /// As `picket config check` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Step::Settings => "settings",
            Step::Connect => "connect",
            Step::Tls => "TLS",
            Step::Bind => "bind",
            Step::Search => "search",
            Step::Password => "password",
            Step::Groups => "groups",
            Step::Mapping => "mapping",
        }
    }
}

/// Whether a step went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Good,
    /// It went on, and somebody should know.
    Odd,
    Bad,
}

/// A step, and what was seen at it. Never a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub step: Step,
    pub mark: Mark,
    pub text: String,
}

/// All that was seen, in order.
#[derive(Clone, Debug, Default)]
pub struct Steps(pub Vec<Seen>);

impl Steps {
    /// A step that went well.
    pub fn good(&mut self, step: Step, text: impl Into<String>) {
        self.push(step, Mark::Good, text.into());
    }

    /// A step that went on, with something to know.
    pub fn odd(&mut self, step: Step, text: impl Into<String>) {
        self.push(step, Mark::Odd, text.into());
    }

    /// The step at which it ended.
    pub fn bad(&mut self, step: Step, text: impl Into<String>) {
        self.push(step, Mark::Bad, text.into());
    }

    fn push(&mut self, step: Step, mark: Mark, text: String) {
        tracing::debug!(target: "picket_platform::auth::ldap", step = step.name(), ?mark, "{text}");
        self.0.push(Seen { step, mark, text });
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Seen { step, mark, text } in &self.0 {
            let mark = match mark {
                Mark::Good => "ok",
                Mark::Odd => "note",
                Mark::Bad => "failed",
            };
            writeln!(f, "  {:<9} {mark:<7} {text}", step.name())?;
        }
        Ok(())
    }
}
