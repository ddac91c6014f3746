//! A comment as a page shows it: Markdown without any HTML of its own, links that lead to the web or to a mailbox and nowhere
//! else, and no picture, since a page asks no other host for anything. Whoever is mentioned stands out.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Who can be mentioned, by the names that count.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Addresses, what is before their `@`, and names without spaces, in lower case.
    pub people: Vec<(String, i64)>,
    pub teams: Vec<(String, i64)>,
}

/// Whom a text mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentioned {
    pub people: Vec<i64>,
    pub teams: Vec<i64>,
}

impl Names {
    /// Whom a text mentions: `@grace`, `@grace@example.com`, `#checkout`.
    pub fn mentioned(&self, text: &str) -> Mentioned {
        let mut mentioned = Mentioned::default();
        for (_, who) in self.found(text) {
            let (list, id) = match who {
                Who::Person(id) => (&mut mentioned.people, id),
                Who::Team(id) => (&mut mentioned.teams, id),
            };
            if !list.contains(&id) {
                list.push(id);
            }
        }
        mentioned
    }

    fn found(&self, text: &str) -> Vec<(Range<usize>, Who)> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = text[from..].find(['@', '#']).map(|at| from + at) {
            from = at + 1;
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '/') {
                continue;
            }
            let word = text[at + 1..].find(|c: char| !is_of_name(c)).map_or(text.len(), |end| at + 1 + end);
            let name = text[at + 1..word].trim_end_matches(['.', '-', '@']).to_lowercase();
            let known = if text[at..].starts_with('@') { &self.people } else { &self.teams };
            let Some((_, id)) = known.iter().find(|(known, _)| *known == name) else { continue };
            let who = if text[at..].starts_with('@') { Who::Person(*id) } else { Who::Team(*id) };
            from = at + 1 + name.len();
            found.push((at..from.min(word), who));
        }
        found
    }
}

#[derive(Clone, Copy)]
enum Who {
    Person(i64),
    Team(i64),
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@')
}

/// The HTML of a comment.
pub fn html(text: &str, names: &Names) -> String {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let mut in_code = false;
    let mut links: Vec<bool> = Vec::new();
    let events = Parser::new_ext(text, options).flat_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
        Event::SoftBreak => vec![Event::HardBreak],
        Event::Start(Tag::CodeBlock(kind)) => {
            in_code = true;
            vec![Event::Start(Tag::CodeBlock(kind))]
        }
        Event::End(TagEnd::CodeBlock) => {
            in_code = false;
            vec![Event::End(TagEnd::CodeBlock)]
        }
        // What is in brackets stays; a picture is a link to itself.
        Event::Start(Tag::Link { link_type, dest_url, title, id } | Tag::Image { link_type, dest_url, title, id }) => {
            links.push(is_harmless(&dest_url));
            let link = Event::Start(Tag::Link { link_type, dest_url, title, id });
            links.last().copied().filter(|is_harmless| *is_harmless).map(|_| link).into_iter().collect()
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            let is_open = links.pop().unwrap_or(false);
            is_open.then_some(Event::End(TagEnd::Link)).into_iter().collect()
        }
        Event::Text(text) if !in_code && links.is_empty() => marked(&text, names),
        other => vec![other],
    });
    let mut written = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut written, events);
    written
}

/// The text, with those who are mentioned marked.
fn marked<'a>(text: &str, names: &Names) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    let mut from = 0;
    let owned = |text: &str| Event::Text(CowStr::from(text.to_owned()));
    for (at, _) in names.found(text) {
        events.push(owned(&text[from..at.start]));
        events.push(Event::InlineHtml("<b class=\"mention\">".into()));
        events.push(owned(&text[at.clone()]));
        events.push(Event::InlineHtml("</b>".into()));
        from = at.end;
    }
    events.push(owned(&text[from..]));
    events
}

/// Whether a link leads to the web or to a mailbox; browsers overlook white space and control characters in between.
fn is_harmless(url: &str) -> bool {
    let url: String = url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let url = url.to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let people = [("grace", 7), ("grace@example.com", 7), ("ada", 8)].map(|(name, id)| (name.to_owned(), id));
        Names { people: people.into(), teams: vec![("checkout".into(), 3)] }
    }

    #[test]
    fn markdown_becomes_html_and_html_becomes_text() {
        let shown = |text: &str| html(text, &names());
        assert_eq!(shown("**Fixed** in `a.py`"), "<p><strong>Fixed</strong> in <code>a.py</code></p>\n");
        assert_eq!(shown("one\ntwo"), "<p>one<br />\ntwo</p>\n");
        assert!(shown("<script>alert(1)</script>").contains("&lt;script&gt;"));
        assert_eq!(shown("[x](https://example.com/)"), "<p><a href=\"https://example.com/\">x</a></p>\n");
        assert_eq!(shown("[x](javascript:alert(1))"), "<p>x</p>\n");
        assert_eq!(shown("[x](java&#10;script:alert)"), "<p>x</p>\n");
        assert_eq!(shown("![x](https://example.com/x.png)"), "<p><a href=\"https://example.com/x.png\">x</a></p>\n");
        assert_eq!(shown("![x](data:text/html,x)"), "<p>x</p>\n");
    }

    #[test]
    fn who_is_mentioned_stands_out() {
        assert_eq!(html("@Grace, look", &names()), "<p><b class=\"mention\">@Grace</b>, look</p>\n");
        assert_eq!(html("`@grace` [@grace](https://x.cn)", &names()).matches("mention").count(), 0);
        let text = "@ada and @grace@example.com. #checkout? not@ada @nobody @ada";
        assert_eq!(names().mentioned(text), Mentioned { people: vec![8, 7], teams: vec![3] });
    }

    proptest! {
        /// Whatever somebody writes, no tag and no link comes of it that is not ours.
        #[test]
        fn nothing_harmful_comes_of_it(text in r#"([<>"'&()\[\]!`@#*_:/ \n]|script|javascript:|data:|img|onerror=|https://x|grace|\PC){0,60}"#) {
            let written = html(&text, &names()).to_lowercase();
            let allowed = ["p", "strong", "em", "del", "code", "pre", "br", "a", "b", "ul", "ol", "li", "blockquote", "hr", "h1", "h2",
                "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "input"];
            for tag in written.split('<').skip(1) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(allowed.contains(&name.as_str()), "<{tag}");
                let inside = tag.split('>').next().unwrap_or_default();
                if let Some(href) = inside.split("href=\"").nth(1) {
                    prop_assert!(["http:", "https:", "mailto:"].iter().any(|scheme| href.starts_with(scheme)), "{href}");
                }
                prop_assert!(name == "a" || !inside.contains(" on"), "<{tag}");
            }
        }
    }
}
