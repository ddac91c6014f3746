//! Browsers that a project no longer supports, by the names that Sentry's settings have for them.

/// A setting: a browser, and the versions that are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legacy {
    families: &'static [&'static str],
    from: u32,
    below: u32,
}

const IE: &[&str] = &["IE", "IE Mobile"];

const SETTINGS: &[(&str, Legacy)] = &[
    ("ie_pre_9", Legacy { families: IE, from: 0, below: 9 }),
    ("ie9", Legacy { families: IE, from: 9, below: 10 }),
    ("ie10", Legacy { families: IE, from: 10, below: 11 }),
    ("ie11", Legacy { families: IE, from: 11, below: 12 }),
    ("opera_pre_15", Legacy { families: &["Opera"], from: 0, below: 15 }),
    ("opera_mini_pre_8", Legacy { families: &["Opera Mini"], from: 0, below: 8 }),
    ("android_pre_4", Legacy { families: &["Android"], from: 0, below: 4 }),
    ("safari_pre_6", Legacy { families: &["Safari"], from: 0, below: 6 }),
    ("edge_pre_79", Legacy { families: &["Edge"], from: 0, below: 79 }),
    ("ie", Legacy { families: IE, from: 0, below: 12 }),
    ("safari", Legacy { families: &["Safari"], from: 0, below: 16 }),
    ("opera", Legacy { families: &["Opera"], from: 0, below: 100 }),
    ("opera_mini", Legacy { families: &["Opera Mini"], from: 0, below: 35 }),
    ("android", Legacy { families: &["Android"], from: 0, below: 4 }),
    ("firefox", Legacy { families: &["Firefox"], from: 0, below: 111 }),
    ("chrome", Legacy { families: &["Chrome"], from: 0, below: 111 }),
    ("edge", Legacy { families: &["Edge"], from: 0, below: 111 }),
];

/// What `default` stands for.
const DEFAULT: [&str; 6] = ["ie_pre_9", "ie9", "opera_pre_15", "opera_mini_pre_8", "android_pre_4", "safari_pre_6"];

impl Legacy {
    /// The browsers of a setting's name; none if nobody knows it.
    pub fn named(name: &str) -> Vec<Legacy> {
        let names: &[&str] = if name == "default" { &DEFAULT } else { &[name] };
        SETTINGS.iter().filter(|(own, _)| names.contains(own)).map(|(_, legacy)| *legacy).collect()
    }

    /// The names of settings, each with the browsers it means: `IE < 9`.
    pub fn choices() -> Vec<(&'static str, String)> {
        SETTINGS.iter().map(|(name, legacy)| (*name, legacy.label())).collect()
    }

    fn label(&self) -> String {
        let family = self.families.first().copied().unwrap_or_default();
        if self.from == 0 { format!("{family} < {}", self.below) } else { format!("{family} {}", self.from) }
    }

    /// Whether a browser is one of them.
    pub fn is(&self, name: &str, version: &str) -> bool {
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        self.families.contains(&name) && major.is_some_and(|major| (self.from..self.below).contains(&major))
    }
}
