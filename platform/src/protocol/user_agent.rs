//! Which browser, system and device a user agent names. Only those that people meet; what is unknown stays unknown.
//!
//! Every browser claims to be others too, so the order of the tests is what matters: the latest pretender is asked first.

/// What a user agent tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Name and version.
    pub browser: Option<(String, String)>,
    /// Name and version.
    pub os: Option<(String, String)>,
    pub device: Option<Device>,
}

/// A device that is not just a computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub family: String,
    pub model: String,
    pub brand: String,
}

/// A mark in the user agent, the browser it stands for.
const BROWSERS: &[(&str, &str)] = &[
    ("Opera Mini/", "Opera Mini"),
    ("OPiOS/", "Opera Mini"),
    ("Opera Mobi", "Opera Mobile"),
    ("OPR/", "Opera"),
    ("EdgiOS/", "Edge Mobile"),
    ("EdgA/", "Edge Mobile"),
    ("Edge/", "Edge"),
    ("Edg/", "Edge"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"),
    ("MiuiBrowser/", "MiuiBrowser"),
    ("Electron/", "Electron"),
    ("curl/", "curl"),
    ("okhttp/", "okhttp"),
    ("PostmanRuntime/", "PostmanRuntime"),
    ("FxiOS/", "Firefox iOS"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("IEMobile/", "IE Mobile"),
    ("IEMobile ", "IE Mobile"),
];

/// Libraries that ask for pages.
const CLIENTS: &[&str] =
    &["Go-http-client", "python-requests", "Python-urllib", "Wget", "axios", "node-fetch", "aiohttp", "GuzzleHttp"];

/// Reads a user agent.
pub fn parse(agent: &str) -> Agent {
    Agent { browser: browser(agent), os: os(agent), device: device(agent) }
}

/// The browser of a `Sec-CH-UA` header: the brand that is neither grease nor the engine.
pub fn brand(brands: &str) -> Option<(String, String)> {
    let mut engine = None;
    for part in brands.split(", ").map(str::trim) {
        let (name, version) = part.split_once(";v=")?;
        let (name, version) = (name.trim_matches('"'), version.trim_matches('"'));
        match name {
            "Chromium" => engine = Some(("Chromium".to_owned(), version.to_owned())),
            "Google Chrome" => return Some(("Chrome".into(), version.into())),
            _ if name.contains("Brand") => {}
            _ => return Some((name.into(), version.into())),
        }
    }
    engine
}

fn browser(agent: &str) -> Option<(String, String)> {
    if let Some((mark, name)) = BROWSERS.iter().find(|(mark, _)| agent.contains(mark)) {
        return Some(((*name).into(), version_after(agent, mark, 3)));
    }
    if agent.contains("MSIE ") {
        return Some(("IE".into(), version_after(agent, "MSIE ", 2)));
    }
    if agent.contains("Trident/") && agent.contains("rv:") {
        return Some(("IE".into(), version_after(agent, "rv:", 2)));
    }
    if agent.contains("Opera") {
        let mark = if agent.contains("Version/") { "Version/" } else { "Opera/" };
        return Some(("Opera".into(), version_after(agent, mark, 2)));
    }
    if agent.contains("Firefox/") {
        let name = if agent.contains("Mobile") || agent.contains("Android") { "Firefox Mobile" } else { "Firefox" };
        return Some((name.into(), version_after(agent, "Firefox/", 3)));
    }
    if agent.contains("Chrome/") {
        let is_mobile = agent.contains("Mobile");
        let name = match (agent.contains("; wv)"), is_mobile, agent.contains("HeadlessChrome/")) {
            (true, _, _) => "Chrome Mobile WebView",
            (_, _, true) => "HeadlessChrome",
            (_, true, _) => "Chrome Mobile",
            _ => "Chrome",
        };
        return Some((name.into(), version_after(agent, "Chrome/", 3)));
    }
    if agent.contains("Android") && agent.contains("AppleWebKit/") {
        return Some(("Android".into(), version_after(agent, "Android ", 3)));
    }
    if agent.contains("Safari/") && agent.contains("AppleWebKit/") {
        let is_mobile = ["iPhone", "iPad", "iPod"].iter().any(|device| agent.contains(device));
        let name = if is_mobile { "Mobile Safari" } else { "Safari" };
        return Some((name.into(), version_after(agent, "Version/", 3)));
    }
    client(agent)
}

/// Programs that are no browsers say no more than their name and version: `Go-http-client/1.1`.
fn client(agent: &str) -> Option<(String, String)> {
    let (name, rest) = agent.split_once('/')?;
    let is_known = CLIENTS.iter().any(|client| client.eq_ignore_ascii_case(name));
    is_known.then(|| (name.to_owned(), version_after(rest, "", 3)))
}

fn os(agent: &str) -> Option<(String, String)> {
    const WINDOWS: [(&str, &str); 8] = [
        ("Windows NT 10.0", ">=10"),
        ("Windows NT 6.3", "8.1"),
        ("Windows NT 6.2", "8"),
        ("Windows NT 6.1", "7"),
        ("Windows NT 6.0", "Vista"),
        ("Windows NT 5.2", "XP"),
        ("Windows NT 5.1", "XP"),
        ("Windows NT 5.0", "2000"),
    ];
    if let Some((_, version)) = WINDOWS.iter().find(|(mark, _)| agent.contains(mark)) {
        return Some(("Windows".into(), (*version).into()));
    }
    if agent.contains("Windows Phone") {
        let mark = if agent.contains("Windows Phone OS ") { "Windows Phone OS " } else { "Windows Phone " };
        return Some(("Windows Phone".into(), version_after(agent, mark, 2)));
    }
    if agent.contains("Windows") {
        return Some(("Windows".into(), String::new()));
    }
    if agent.contains("iPhone") || agent.contains("iPad") || agent.contains("iPod") {
        return Some(("iOS".into(), version_after(agent, " OS ", 3)));
    }
    if agent.contains("Mac OS X") {
        let version = version_after(agent, "Mac OS X ", 3);
        // Browsers stopped telling at this version.
        let version = if version == "10.15.7" { format!(">={version}") } else { version };
        return Some(("Mac OS X".into(), version));
    }
    if agent.contains("Android") {
        return Some(("Android".into(), version_after(agent, "Android ", 3)));
    }
    if agent.contains("CrOS") {
        return Some(("Chrome OS".into(), version_after(agent, "CrOS x86_64 ", 3)));
    }
    if agent.contains("Ubuntu") {
        return Some(("Ubuntu".into(), version_after(agent, "Ubuntu/", 2)));
    }
    agent.contains("Linux").then(|| ("Linux".into(), String::new()))
}

fn device(agent: &str) -> Option<Device> {
    for name in ["iPhone", "iPad", "iPod"] {
        if agent.contains(name) {
            return Some(Device { family: name.into(), model: name.into(), brand: "Apple".into() });
        }
    }
    if agent.contains("Macintosh") {
        return Some(Device { family: "Mac".into(), model: "Mac".into(), brand: "Apple".into() });
    }
    let (_, rest) = agent.split_once("Android ")?;
    let model =
        rest.split(')').next()?.split(';').map(str::trim).rfind(|part| *part != "wv" && !part.starts_with("Build/"))?;
    let model = model.split(" Build/").next().unwrap_or_default();
    let model = model.strip_prefix("SAMSUNG ").unwrap_or(model);
    let is_model =
        !model.is_empty() && !model.starts_with(|c: char| c.is_ascii_digit()) && model != "K" && model != "Mobile";
    is_model.then(|| {
        let brand = [
            ("SM-", "Samsung"),
            ("GT-", "Samsung"),
            ("Galaxy", "Samsung"),
            ("Pixel", "Google"),
            ("Nexus", "Google"),
            ("HTC", "HTC"),
        ];
        let brand =
            brand.iter().find(|(start, _)| model.starts_with(start)).map_or("Generic_Android", |(_, brand)| *brand);
        let family = if brand == "Samsung" { format!("Samsung {model}") } else { model.to_owned() };
        Device { family, model: model.into(), brand: brand.into() }
    })
}

/// The numbers that follow a mark, at most so many; underscores are dots too.
fn version_after(agent: &str, mark: &str, most: usize) -> String {
    let Some((_, rest)) = agent.split_once(mark) else { return String::new() };
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_')).unwrap_or(rest.len());
    let parts = rest[..end].split(['.', '_']).filter(|part| !part.is_empty()).take(most);
    parts.collect::<Vec<_>>().join(".")
}
