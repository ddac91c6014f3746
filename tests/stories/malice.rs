//! What somebody sends who means harm: scripts, links and marks of direction in every field, and strings of a megabyte. It is inert
//! on every page and in every mail, and no page grows by it beyond what a phone loads at once.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    pages::{AT_A_DESK, walk_far},
    platform::{Platform, SOON, World},
};

pub const STORIES: &[Story] = &[Story { name: "a_malicious_event_is_inert_on_every_page_and_in_mails", run: inert }];

/// Bytes of a page, compressed.
const MOST_BYTES: usize = 60_000;
/// What ends an attribute, a tag, a comment, a text and a script; what turns the direction of a text, and what a terminal obeys.
const EVIL: &str = "\"'><script>window.harmed=1</script><img src=x onerror=\"window.harmed=1\"><svg onload=window.harmed=1></title></textarea>\
                    <!--{{7*7}}${7*7}\u{202e}\u{2066}gnp.exe\u{0}\u{1b}[31m\u{7}\u{feff}";

fn evil(nth: usize) -> Value {
    let link = "javascript:window.harmed=1";
    let long = EVIL.repeat(60_000 / EVIL.len());
    json!({
        "platform": "python", "level": "error", "logger": EVIL, "server_name": EVIL, "transaction": EVIL, "culprit": EVIL, "dist": "1",
        "release": format!("<b>{nth}"), "environment": "<script>window.harmed=1<script>", "message": long,
        "fingerprint": [EVIL, nth.to_string()],
        "tags": {"url": link, EVIL: EVIL, "browser": EVIL, "<b>": "<i>"},
        "user": {"id": EVIL, "email": format!("{EVIL}@example.com"), "username": link, "ip_address": "<b>", EVIL: EVIL},
        "request": {"url": link, "method": EVIL, "query_string": EVIL, "data": long, "headers": {"Referer": link, "X": EVIL, EVIL: EVIL}, "cookies": EVIL},
        "extra": {EVIL: long, "link": link, "deep": [[[[EVIL]]]]},
        "contexts": {EVIL: {EVIL: EVIL}, "os": {"name": EVIL, "url": link}},
        "sdk": {"name": EVIL, "version": EVIL},
        "breadcrumbs": {"values": (0..40).map(|_| json!({"message": EVIL, "category": EVIL, "type": EVIL, "level": EVIL, "data": {EVIL: EVIL, "url": link}})).collect::<Vec<_>>()},
        "exception": {"values": [{"type": EVIL, "value": "x".repeat(300_000) + EVIL, "module": EVIL, "mechanism": {"type": EVIL, "handled": false, "help_link": link}, "stacktrace": {"frames": (0..60).map(frame).collect::<Vec<_>>()}}]},
        "threads": {"values": [{"id": EVIL, "name": EVIL}]},
        "modules": {EVIL: EVIL},
    })
}

fn frame(nth: usize) -> Value {
    json!({
        "filename": EVIL, "abs_path": format!("javascript:{EVIL}"), "function": EVIL, "module": EVIL, "lineno": nth, "in_app": nth.is_multiple_of(2),
        "pre_context": [EVIL, EVIL], "context_line": EVIL, "post_context": [EVIL], "vars": {EVIL: EVIL},
    })
}

fn inert(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let shop = platform.project("shop")?;
    for nth in 0..2 {
        platform.receives(&shop, &evil(nth))?;
    }
    platform.stores(2)?;
    let issues = platform.api("/projects/acme/shop/issues/?query=")?;
    let id = issues[0]["id"].as_str().context("there is an issue")?.to_owned();
    let path = format!("/acme/shop/issues/{id}/");
    let pages = pages(&path);
    is_inert_in_a_browser(&platform, &path, &pages)?;
    platform.sign_in()?;
    is_small(&platform, &pages)?;
    for text in [format!("{path}events/latest/json/"), format!("{path}events/latest/text/")] {
        let answer = platform.client.get(format!("{}{text}", platform.url)).send()?;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (kind, sniff) = (header("content-type"), header("x-content-type-options"));
        ensure!(sniff == "nosniff" && !kind.contains("html"), "{text} is {kind}, {sniff}");
    }
    is_inert_in_mails(&platform)
}

/// Pages that show something of the event, or of an address that means harm itself.
fn pages(path: &str) -> Vec<String> {
    let lists = [
        "/acme/",
        "/acme/issues/?query=",
        "/acme/shop/issues/?query=",
        "/acme/shop/issues/?query=%22%3E%3Cscript%3Ewindow.harmed%3D1%3C/script%3E",
        "/acme/shop/issues/?query=&environment=%3Cscript%3E&period=%22%3E&sort=%3Cb%3E&done=%3Cb%3E&many=1&undo=%22%3E%3Cb%3E",
    ];
    let of_issue = [
        "",
        "?trace=full",
        "events/latest/?trace=raw",
        "activity/",
        "tags/",
        "tags/?key=browser",
        "events/",
        "events/?query=browser:%22%3E%3Cscript%3E",
        "fingerprints/",
    ];
    lists.into_iter().map(str::to_owned).chain(of_issue.iter().map(|page| format!("{path}{page}"))).collect()
}

fn is_inert_in_a_browser(platform: &Platform, path: &str, pages: &[String]) -> Result<()> {
    let links =
        "[x](javascript:window.harmed=1) ![x](javascript:window.harmed=1) <a href=\"javascript:window.harmed=1\">x</a>";
    // No field of a form takes a NUL.
    let comment = format!("{EVIL} {links}").replace('\0', "");
    let mut steps = vec![
        json!({"open": format!("{path}activity/")}),
        json!({"fill": ["Comment", comment]}),
        json!({"press": "Comment"}),
        json!({"see": "gnp.exe"}),
    ];
    for page in pages {
        steps.extend([json!({"open": page}), json!({"inert": null})]);
    }
    walk_far(platform, AT_A_DESK, &json!(steps))
}

fn is_small(platform: &Platform, pages: &[String]) -> Result<()> {
    for page in pages {
        let request = platform.client.get(format!("{}{page}", platform.url)).header("Accept-Encoding", "gzip");
        let bytes = request.send()?.bytes()?;
        ensure!(bytes.len() <= MOST_BYTES, "{page} has {} bytes", bytes.len());
        ensure!(bytes.starts_with(&[0x1f, 0x8b]), "{page} is not compressed");
    }
    Ok(())
}

fn is_inert_in_mails(platform: &Platform) -> Result<()> {
    let smtp = platform.smtp.as_ref().context("the story started with mail")?;
    let mail = smtp.wait_for_mail(|mail| mail.subject.contains("script"), SOON)?;
    let html = mail.html.to_lowercase();
    ensure!(
        html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"),
        "the mail does not say what was sent: {html}"
    );
    for harmful in ["<script", "<img", "<svg", "href=\"javascript:"] {
        ensure!(!html.contains(harmful), "the mail has {harmful}: {html}");
    }
    for (part, text) in [("subject", &mail.subject), ("text", &mail.text), ("html", &mail.html)] {
        let obeyed = text.chars().find(|c| matches!(c, '\u{1b}' | '\u{7}' | '\u{202e}' | '\u{2066}' | '\u{feff}'));
        ensure!(obeyed.is_none(), "the {part} of the mail has {obeyed:?}");
    }
    Ok(())
}
