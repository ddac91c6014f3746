//! The arrows between modules, as house rules: an import the wrong way fails here, with the rule's reason.

use std::{collections::BTreeSet, fs, path::PathBuf};

use harness::workspace;

/// Which of the platform's slices may import which. `protocol` is pure; everything may import what stands below it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("config", &[]),
    ("metrics", &["app", "queue"]),
    ("crew", &[]),
    ("queue", &["config", "crew"]),
    ("mail", &["config"]),
    ("files", &["config", "projects"]),
    ("crashes", &["files", "projects", "protocol"]),
    ("attachments", &["access", "app", "files", "projects", "protocol", "web"]),
    ("health", &["access", "app", "projects", "protocol", "web"]),
    ("monitors", &["access", "app", "projects", "protocol", "web"]),
    ("reports", &["access", "app", "issues", "projects", "protocol", "web"]),
    ("outbound", &["config"]),
    ("secrets", &[]),
    (
        "app",
        &[
            "alerts", "auth", "config", "events", "files", "ingest", "mail", "metrics", "outbound", "outcomes",
            "projects", "queue", "secrets",
        ],
    ),
    (
        "channels",
        &[
            "access",
            "app",
            "auth",
            "check",
            "config",
            "mail",
            "organizations",
            "outbound",
            "permissions",
            "projects",
            "protocol",
            "secrets",
            "ui",
            "web",
        ],
    ),
    ("organizations", &["app", "auth", "permissions"]),
    ("permissions", &[]),
    ("audit", &["access", "app", "auth", "organizations", "ui", "web"]),
    ("teams", &["access", "app", "audit", "auth", "organizations", "permissions", "projects", "ui", "web"]),
    (
        "members",
        &["access", "app", "audit", "auth", "mail", "organizations", "people", "permissions", "teams", "ui", "web"],
    ),
    (
        "people",
        &[
            "access",
            "alerts",
            "app",
            "audit",
            "auth",
            "channels",
            "members",
            "organizations",
            "permissions",
            "projects",
            "teams",
            "ui",
            "web",
        ],
    ),
    (
        "projects",
        &[
            "access",
            "app",
            "audit",
            "auth",
            "issues",
            "cli",
            "config",
            "job",
            "organizations",
            "outcomes",
            "permissions",
            "protocol",
            "queue",
            "teams",
            "ui",
            "web",
        ],
    ),
    ("overview", &["access", "app", "organizations", "outcomes", "projects", "ui", "web"]),
    ("system", &["access", "app", "check", "events", "mail", "protocol", "queue", "ui", "upgrade", "web"]),
    ("quotas", &["access", "app", "audit", "config", "organizations", "outcomes", "projects", "protocol", "ui", "web"]),
    (
        "auth",
        &[
            "access",
            "app",
            "audit",
            "config",
            "mail",
            "members",
            "organizations",
            "people",
            "permissions",
            "teams",
            "ui",
            "web",
        ],
    ),
    (
        "issues",
        &[
            "access",
            "app",
            "auth",
            "events",
            "job",
            "organizations",
            "permissions",
            "projects",
            "protocol",
            "queue",
            "releases",
            "ui",
            "web",
        ],
    ),
    ("releases", &["projects"]),
    ("ingest", &["app", "crashes", "events", "items", "metrics", "outcomes", "projects", "protocol", "queue"]),
    ("feedback", &["access", "app", "ingest", "projects", "protocol", "ui", "web"]),
    ("items", &["app", "files", "health", "monitors", "outcomes", "projects", "protocol", "queue", "reports"]),
    ("outcomes", &["app", "metrics", "projects", "protocol"]),
    (
        "events",
        &[
            "access",
            "alerts",
            "app",
            "attachments",
            "config",
            "crashes",
            "files",
            "issues",
            "projects",
            "protocol",
            "queue",
            "releases",
            "reports",
            "ui",
            "web",
        ],
    ),
    (
        "alerts",
        &[
            "access",
            "app",
            "auth",
            "channels",
            "events",
            "issues",
            "job",
            "mail",
            "metrics",
            "organizations",
            "outbound",
            "projects",
            "protocol",
            "queue",
            "releases",
            "ui",
            "web",
        ],
    ),
    ("access", &["app", "audit", "auth", "issues", "organizations", "permissions", "projects", "teams", "ui", "web"]),
    ("retention", &["app", "config"]),
    ("ui", &["access", "app", "auth", "protocol", "web"]),
];

/// Modules that put slices together and may import any of them.
const ROLES: &[&str] = &["main", "lib", "cli", "web", "worker", "cron", "job", "upgrade", "standalone", "check"];

/// Files that may hold SQL: stores, the write side of events, the search, and the commands that look at the schema itself.
const SQL: &[&str] = &["store.rs", "paging.rs", "upgrade.rs", "partitions.rs"];

/// A source file of a crate.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The first folder or file below `src`: the slice.
    fn slice(&self) -> String {
        let first = self.path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        first.unwrap_or_default().trim_end_matches(".rs").to_owned()
    }

    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// The top-level modules of its own crate that it names, tests left out.
    fn imports(&self) -> BTreeSet<String> {
        let code = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        code.match_indices("crate::").flat_map(|(at, _)| named(&code[at + "crate::".len()..])).collect()
    }
}

/// The first words of a path, or of every path in a group.
fn named(rest: &str) -> Vec<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 1;
    let mut start = 0;
    let mut words = Vec::new();
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                words.push(word(&group[start..at]));
                start = at + 1;
            }
            _ => (),
        }
        if depth == 0 {
            words.push(word(&group[start..at]));
            break;
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn sources(krate: &str) -> Vec<Source> {
    let root = workspace().join(krate).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("reading {}: {e}", folder.display())) {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source is text");
                sources.push(Source { path: path.strip_prefix(&root).expect("it was found there").to_owned(), text });
            }
        }
    }
    assert!(!sources.is_empty(), "no sources in {}", root.display());
    sources
}

#[test]
fn slices_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for source in sources("platform") {
        let slice = source.slice();
        if ROLES.contains(&slice.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == slice) else {
            wrong.push(format!("{}: the slice `{slice}` has no line in MAY_IMPORT", source.path.display()));
            continue;
        };
        for import in source.imports() {
            if import != slice && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: `{slice}` may not import `{import}`", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn verbs_and_stores_know_nothing_of_pages() {
    let mut wrong = Vec::new();
    for source in sources("platform")
        .iter()
        .filter(|source| source.name() == "store.rs" || source.path.starts_with("events/save"))
    {
        let upward = source.imports().into_iter().filter(|import| matches!(import.as_str(), "access" | "web" | "ui"));
        wrong.extend(upward.map(|import| format!("{} imports `{import}`", source.path.display())));
    }
    assert!(wrong.is_empty(), "effects must not know who asks:\n{}", wrong.join("\n"));
}

#[test]
fn the_protocol_is_pure() {
    let impure =
        ["async fn", "use tokio", "use reqwest", "Utc::now", "Instant::now", "SystemTime", "std::fs", "std::env"];
    for source in sources("platform").iter().filter(|source| source.slice() == "protocol") {
        for word in impure {
            assert!(!source.text.contains(word), "{} has {word:?}", source.path.display());
        }
    }
}

#[test]
fn the_operator_decides_purely() {
    let impure = ["async ", "kube::Client", "Utc::now", "Instant::now", "SystemTime", "std::env"];
    let pure = |source: &&Source| source.path.starts_with("resources") || source.name() == "validate.rs";
    let sources = sources("operator");
    assert!(sources.iter().any(|source| pure(&source)), "nothing pure was found: were the folders renamed?");
    for source in sources.iter().filter(pure) {
        for word in impure {
            assert!(!source.text.contains(word), "{} has {word:?}", source.path.display());
        }
    }
}

#[test]
fn sql_stands_in_stores() {
    for source in sources("platform").iter().filter(|source| !matches!(source.slice().as_str(), "check" | "standalone"))
    {
        let has_sql = ["query!(", "query_as!(", "query_scalar!(", "sqlx::query", "QueryBuilder"]
            .iter()
            .any(|call| source.text.contains(call));
        let may = SQL.contains(&source.name())
            || ["events/save", "issues/search/sql"].iter().any(|folder| source.path.starts_with(folder));
        assert!(!has_sql || may, "{} holds SQL", source.path.display());
    }
}

#[test]
fn the_programs_share_no_code() {
    let manifest = |krate: &str| fs::read_to_string(workspace().join(krate).join("Cargo.toml")).unwrap();
    assert!(!manifest("operator").contains("picket-platform"), "only the tests see both");
    assert!(!manifest("platform").contains("picket-operator"), "only the tests see both");
}

#[test]
fn a_file_is_a_room_and_not_a_hall() {
    let long: Vec<String> = ["platform", "operator"]
        .iter()
        .flat_map(|krate| sources(krate).into_iter().map(move |source| (krate, source)))
        .filter(|(_, source)| source.text.lines().count() > 400)
        .map(|(krate, source)| format!("{krate}/src/{}", source.path.display()))
        .collect();
    assert!(long.is_empty(), "over 400 lines: {long:?}");
}

#[test]
fn nothing_names_a_machine() {
    let mut folders = vec![workspace()];
    let skipped = [".git", "target", "node_modules"];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !skipped.contains(&name.as_str()) {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                assert!(!text.contains(&home()), "{} names a home folder", path.display());
            }
        }
    }
}

/// Put together here, so that this file does not name it.
fn home() -> String {
    ["/root", "/"].concat()
}

#[test]
fn groups_of_imports_are_read_to_their_end() {
    assert_eq!(named("{app::App, queue::{self, Topic}, web}; use x"), ["app", "queue", "web"]);
    assert_eq!(named("events::Received;"), ["events"]);
}
