//! What systems and runtimes say of themselves, read into names and versions.

/// Fields of a context.
type Fields = Vec<(&'static str, String)>;

/// Systems by their marketing names.
const NAMED: &[(&str, &str)] = &[
    ("Mac OS X ", "macOS"),
    ("iOS ", "iOS"),
    ("iPadOS ", "iPadOS"),
    ("Android OS ", "Android"),
    ("Android ", "Android"),
    ("tvOS ", "tvOS"),
    ("watchOS ", "watchOS"),
];
/// Distributions that stand behind the kernel's name.
const DISTRIBUTIONS: &[&str] = &["Ubuntu", "Debian", "Fedora", "CentOS", "Alpine", "Arch", "RedHat", "SUSE"];

/// Reads a system's description of itself.
pub fn os(description: &str) -> Option<Fields> {
    let description = description.trim();
    if let Some(rest) = description.strip_prefix("Microsoft Windows ") {
        return Some(windows(rest.strip_prefix("NT ").unwrap_or(rest)));
    }
    if let Some(rest) = description.strip_prefix("Windows ") {
        // `Windows 10  (10.0.19041) 64bit`
        let version = rest.split_whitespace().next()?;
        let mut found = vec![("name", "Windows".to_owned()), ("version", version.to_owned())];
        let build = rest.split_once('(').and_then(|(_, inner)| inner.split(')').next()?.split('.').nth(2));
        found.extend(build.map(|build| ("build", build.to_owned())));
        return Some(found);
    }
    if description == "Nintendo Switch" {
        return Some(vec![("name", "Nintendo OS".into())]);
    }
    let words: Vec<&str> = description.split_whitespace().collect();
    if let ["Linux", kernel, distribution, version, ..] = words.as_slice()
        && DISTRIBUTIONS.contains(distribution)
    {
        let fields = [("name", *distribution), ("version", *version), ("kernel_version", *kernel)];
        return Some(fields.map(|(field, value)| (field, value.to_owned())).to_vec());
    }
    let named = NAMED.iter().find_map(|(start, name)| Some((*name, description.strip_prefix(start)?)));
    if let Some((name, rest)) = named {
        let version = rest.split_whitespace().next().filter(|version| starts_with_digit(version))?;
        return Some(vec![("name", name.to_owned()), ("version", version.to_owned())]);
    }
    kernel(&words)
}

/// `6.1.7601 S`, `10.0.22631`
fn windows(version: &str) -> Fields {
    let version = version.split_whitespace().next().unwrap_or_default();
    let mut parts = version.split('.');
    let (major, minor, build) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let name = match (major, minor, build.parse::<u32>().unwrap_or_default()) {
        (Some("10"), _, 22_000..) => "11",
        (Some("10"), ..) => "10",
        (Some("6"), Some("1"), _) => "7",
        (Some("6"), Some("2"), _) => "8",
        (Some("6"), Some("3"), _) => "8.1",
        _ => version,
    };
    vec![("name", "Windows".into()), ("version", name.into()), ("build", build.into())]
}

/// `Linux 5.15.0-91-generic`, `FreeBSD 14.0-RELEASE`; or what `uname -a` prints, with the machine's name in between.
fn kernel(words: &[&str]) -> Option<Fields> {
    let (name, kernel) = match words {
        [name, kernel] if starts_with_digit(kernel) => (*name, *kernel),
        ["Linux", _, kernel, ..] if starts_with_digit(kernel) => ("Linux", *kernel),
        _ => return None,
    };
    let end = kernel.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(kernel.len());
    let is_name = name.chars().all(char::is_alphabetic);
    is_name.then(|| vec![("name", name.to_owned()), ("kernel_version", kernel[..end].trim_end_matches('.').to_owned())])
}

/// `.NET Core 3.1.4`, `Mono 6.12.0 (Visual Studio built mono)`
pub fn runtime(description: &str) -> Option<Fields> {
    let mut words = description.split_whitespace();
    let mut name = Vec::new();
    let version = words.find(|word| {
        let is_version = starts_with_digit(word);
        if !is_version {
            name.push(*word);
        }
        is_version
    })?;
    let version = version.trim_end_matches([',', ';']);
    (!name.is_empty()).then(|| vec![("name", name.join(" ")), ("version", version.to_owned())])
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// The version of .NET Framework by the release key that Windows keeps of it.
pub fn net_framework(build: &str) -> Option<&'static str> {
    Some(match build {
        "378389" => "4.5",
        "378675" | "378758" => "4.5.1",
        "379893" => "4.5.2",
        "393295" | "393297" => "4.6",
        "394254" | "394271" => "4.6.1",
        "394802" | "394806" => "4.6.2",
        "460798" | "460805" => "4.7",
        "461308" | "461310" => "4.7.1",
        "461808" | "461814" => "4.7.2",
        "528040" | "528049" | "528209" | "528372" | "528449" => "4.8",
        "533320" | "533325" => "4.8.1",
        _ => return None,
    })
}
