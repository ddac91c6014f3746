//! What messages say.

use super::*;

/// A moment, a reader, and an issue to tell.
pub(in crate::channels) fn sending(language: Language) -> Sending {
    let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    Sending { id: Uuid::from_u128(7), at, language, zone: Tz::Asia__Shanghai }
}

pub(in crate::channels) fn notice() -> Notice {
    let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    Notice {
        news: News::New,
        rule: "New issues".into(),
        organization: "acme".into(),
        project: "shop".into(),
        project_name: "Shop".into(),
        issue: 7,
        short_id: "SHOP-7".into(),
        event: Uuid::from_u128(9),
        title: "Gone: *umbrella* <b>\n@all".into(),
        culprit: "shop.cart in add".into(),
        level: Level::Error,
        environment: Some("production".into()),
        release: Some("shop@1.2.3".into()),
        events: 3,
        users: 2,
        first_seen: at,
        last_seen: at,
        assignee: Some(Assignee { name: "Grace".into(), contacts: Vec::new() }),
        act: None,
        url: "https://picket.example/acme/shop/issues/7/".into(),
    }
}

pub(in crate::channels) fn digest(lines: usize, issues: i64) -> Digest {
    let lines = (0..lines).map(|n| (Notice { short_id: format!("SHOP-{n}"), ..notice() }, 3)).collect();
    let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    Digest { alerts: 412, issues, since: at, until: at, lines, url: "https://picket.example/acme/".into() }
}

#[test]
fn an_alert_says_what_is_known_and_what_was_sent_is_no_markup() {
    let text = Message::Alert(notice()).markdown(&sending(Language::English), 4_096);
    for part in [
        "#### New: error in Shop",
        "**SHOP-7** Gone: \\*umbrella\\* &lt;b&gt; @all",
        "- Environment: production",
        "- Release: shop@1.2.3",
        "- Events: 3",
        "- First seen: 2026-09-21 22:13:20 CST",
        "[Open in Picket](https://picket.example/acme/shop/issues/7/)",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let chinese = Message::Alert(notice()).markdown(&sending(Language::Chinese), 4_096);
    assert!(chinese.contains("#### Shop 新问题（error）") && chinese.contains("- 环境: production"), "{chinese}");
}

#[test]
fn a_digest_counts_what_it_has_no_room_to_name() {
    let english = sending(Language::English);
    let text = Message::Digest(digest(20, 30)).markdown(&english, 100_000);
    assert!(text.contains("412 alerts about 30 issues") && text.contains("and 10 more issues"), "{text}");
    let short = Message::Digest(digest(20, 30)).markdown(&english, 1_000);
    let named = short.matches("SHOP-").count();
    assert!(short.len() <= 1_000 && named < 20 && named > 0, "{short}");
    assert!(short.contains(&format!("and {} more issues", 30 - named)), "{short}");
}

#[test]
fn a_long_title_leaves_room_for_the_link() {
    let long = Notice { title: "漢".repeat(5_000), ..notice() };
    let text = Message::Alert(long).markdown(&sending(Language::Chinese), 1_000);
    assert!(text.len() <= 1_000 && text.contains("https://picket.example/acme/shop/issues/7/"), "{}", text.len());
}
