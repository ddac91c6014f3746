//! What people do with an issue is told by mail to those who take part in it, and to nobody else, as far as they want it.

use anyhow::{Context, Result, ensure};
use harness::{
    far_end::Place,
    smtp::{Mail, Smtp},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    channels::{add, platform as with_far_end},
    issues::{as_grace, grace},
    platform::{ADMIN, Platform, Project, SOON, World, error},
    rules::{all_told, condition, rule},
};

pub const STORIES: &[Story] = &[
    Story { name: "what_people_do_with_an_issue_is_mailed_to_those_who_take_part", run: those_who_take_part },
    Story { name: "an_issue_that_is_back_is_told_by_one_mail_whoever_asks_for_it", run: one_mail },
    Story { name: "who_wants_no_mails_of_issues_gets_none_and_who_may_not_see_them_neither", run: not_everybody },
    Story { name: "a_comment_that_is_gone_before_it_is_told_is_not_told", run: a_deleted_comment },
    Story { name: "a_robot_calls_whoever_an_issue_is_assigned_to", run: robots_call },
];

const GRACE: &str = "grace@example.com";

/// An issue, two members, and no rule.
struct Scene<'p> {
    platform: &'p Platform<'p>,
    shop: Project,
    issue: String,
}

impl<'p> Scene<'p> {
    fn begin(platform: &'p Platform<'p>) -> Result<Scene<'p>> {
        let shop = platform.project("shop")?;
        platform.sql("delete from alert_rules")?;
        grace(platform)?;
        platform.receives(&shop, &error("Gone", "umbrella"))?;
        let issue = platform.only_issue(&shop)?;
        let issue = issue["id"].as_str().context("an issue has an id")?.to_owned();
        Ok(Scene { platform, shop, issue })
    }

    fn smtp(&self) -> &Smtp {
        let Some(smtp) = &self.platform.smtp else { unreachable!("the story started with mail") };
        smtp
    }

    fn decide(&self, decision: &Value) -> Result<()> {
        let (status, answer) = self.platform.ask(Method::PUT, &format!("/issues/{}/", self.issue), decision)?;
        ensure!(status == 200, "{decision} was answered {status}: {answer}");
        Ok(())
    }

    fn comments(&self) -> String {
        format!("/issues/{}/comments/", self.issue)
    }

    fn says(&self, text: &str) -> Result<String> {
        let (status, comment) = self.platform.ask(Method::POST, &self.comments(), &json!({"text": text}))?;
        ensure!(status == 201, "the comment was answered {status}: {comment}");
        Ok(comment["id"].as_str().unwrap_or_default().to_owned())
    }

    fn grace_says(&self, text: &str) -> Result<()> {
        let (status, answer) = as_grace(self.platform, Method::POST, &self.comments(), &json!({"text": text}))?;
        ensure!(status == 201, "the comment was answered {status}: {answer}");
        Ok(())
    }

    /// The mail to somebody that begins so.
    fn mail(&self, to: &str, begins: &str) -> Result<Mail> {
        let found = self.smtp().wait_for_mail(|mail| mail.to == [to] && mail.text.starts_with(begins), SOON);
        found.with_context(|| format!("to {to}: {begins}; there are {:?}", self.headlines().unwrap_or_default()))
    }

    /// Waits until everybody heard what there is to hear, and lists to whom it went and how it begins.
    fn headlines(&self) -> Result<Vec<String>> {
        self.platform.wait_for_sql("select count(*) from issue_activity where not is_told", "0")?;
        self.platform.wait_for_sql("select count(*) from deliveries where due_at is not null", "0")?;
        let first = |mail: &Mail| mail.text.lines().next().unwrap_or_default().to_owned();
        let mails = self.smtp().messages()?;
        let mut lines: Vec<String> =
            mails.iter().map(|mail| format!("{}: {}", mail.to.join(" "), first(mail))).collect();
        lines.sort();
        Ok(lines)
    }
}

fn header(mail: &Mail, name: &str) -> Option<String> {
    let unfolded = mail.raw.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    unfolded.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
}

fn those_who_take_part(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let scene = Scene::begin(&platform)?;
    platform.sql(&format!("update users set name = 'Ada Lovelace', language = 'en' where email = '{ADMIN}'"))?;
    scene.decide(&json!({"assignedTo": GRACE}))?;
    let first = scene.mail(GRACE, "Ada Lovelace assigned this issue to you\n")?;
    ensure!(first.subject == "[shop] SHOP-1 - Gone: umbrella", "the subject is {:?}", first.subject);
    ensure!(first.text.contains("Assigned to: grace@example.com"), "{}", first.text);
    scene.says("Have a look, @grace: **the stock** <forgets>\nwhat is reserved")?;
    let second = scene.mail(GRACE, "Ada Lovelace mentioned you\n")?;
    ensure!(second.text.contains("**the stock** <forgets>\nwhat is reserved"), "as it was written: {}", second.text);
    ensure!(!second.html.contains("<forgets>"), "and as no markup: {}", second.html);
    scene.grace_says("It is so")?;
    scene.mail(ADMIN, "grace@example.com commented\n")?;
    let (status, _) = as_grace(
        &platform,
        Method::PUT,
        &format!("/issues/{}/", scene.issue),
        &json!({"status": "resolved", "statusDetails": {"inNextRelease": true}}),
    )?;
    ensure!(status == 200, "resolving was answered {status}");
    scene.mail(ADMIN, "grace@example.com resolved this issue in the next release\n")?;
    let mut again = error("Gone", "umbrella");
    again["release"] = json!("shop@1.2.4");
    platform.receives(&scene.shop, &again)?;
    let back = scene.mail(GRACE, "Resolved and back: error in shop\n")?;
    for mail in [&second, &back] {
        let same = |name: &str| header(mail, name).is_some() && header(mail, name) == header(&first, name);
        ensure!(same("References") && same("List-Id"), "one thread: {}", mail.raw);
    }
    let expected = [
        "ada@example.com: Resolved and back: error in shop",
        "ada@example.com: grace@example.com commented",
        "ada@example.com: grace@example.com resolved this issue in the next release",
        "grace@example.com: Ada Lovelace assigned this issue to you",
        "grace@example.com: Ada Lovelace mentioned you",
        "grace@example.com: Resolved and back: error in shop",
    ];
    let headlines = scene.headlines()?;
    ensure!(headlines == expected, "nobody hears of their own or twice: {headlines:#?}");
    Ok(())
}

fn one_mail(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let shop = platform.project("shop")?;
    grace(&platform)?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let issue = platform.only_issue(&shop)?["id"].as_str().unwrap_or_default().to_owned();
    let scene = Scene { platform: &platform, shop, issue };
    // Both have something to do with it, and the rule tells both.
    scene.says("@grace, is it done?")?;
    scene.decide(&json!({"status": "resolved"}))?;
    scene.mail(GRACE, "ada@example.com resolved this issue\n")?;
    platform.receives(&scene.shop, &error("Gone", "umbrella"))?;
    scene.mail(ADMIN, "Resolved and back")?;
    scene.mail(GRACE, "Resolved and back")?;
    let back = scene.headlines()?.into_iter().filter(|line| line.ends_with("Resolved and back: error in shop"));
    ensure!(back.count() == 2, "one mail each: {:#?}", scene.headlines()?);
    Ok(())
}

fn not_everybody(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let scene = Scene::begin(&platform)?;
    scene.says("@grace, look")?;
    let mail = scene.mail(GRACE, "ada@example.com mentioned you\n")?;
    let url = header(&mail, "List-Unsubscribe").context("a link")?;
    let url = url.trim_matches(['<', '>']);
    let stranger = reqwest::blocking::Client::new();
    let asked = stranger.get(url).send()?.text()?;
    ensure!(asked.contains("an issue that you take part in"), "it is about these mails: {asked}");
    let forged = url.replace("?of=activity", "");
    ensure!(stranger.post(forged).send()?.status() == 404, "a link is for one kind of mails");
    ensure!(stranger.post(url).send()?.status() == 200, "one click");
    scene.says("@grace, and now?")?;
    ensure!(scene.headlines()?.len() == 1, "she hears no more: {:?}", scene.headlines()?);

    // For the project she wants them again, whatever holds for all others.
    let set = |project: i64, wanted: &str| {
        platform.sql(&format!(
            "insert into mail_preferences (user_id, project_id, activity) select id, {project}, {wanted} from users
             where email = '{GRACE}' on conflict (user_id, project_id) do update set activity = excluded.activity"
        ))
    };
    set(0, "false")?;
    set(scene.shop.id, "null")?;
    scene.says("@grace, still nothing?")?;
    ensure!(scene.headlines()?.len() == 1, "nothing of any project: {:?}", scene.headlines()?);
    set(scene.shop.id, "true")?;
    scene.says("@grace, hello again")?;
    ensure!(scene.headlines()?.len() == 2, "but of this one: {:?}", scene.headlines()?);

    platform.sql("update organizations set open_membership = false")?;
    scene.says("@grace, this is not for you")?;
    ensure!(scene.headlines()?.len() == 2, "who does not see the project hears nothing: {:?}", scene.headlines()?);
    Ok(())
}

fn a_deleted_comment(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let scene = Scene::begin(&platform)?;
    scene.smtp().stop();
    let comment = scene.says("@grace, my password is hush")?;
    platform.wait_for_sql("select count(*) from deliveries where attempts > 0 and code = 'mail'", "1")?;
    let path = format!("{}{comment}/", scene.comments());
    let (status, _) = platform.ask(Method::DELETE, &path, &json!({}))?;
    ensure!(status == 204, "deleting was answered {status}");
    scene.smtp().restart()?;
    ensure!(scene.headlines()?.is_empty(), "what is gone is not told: {:?}", scene.headlines()?);
    ensure!(platform.sql("select state || ' ' || code from deliveries")? == "2 issue gone", "and that is said");
    Ok(())
}

fn robots_call(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    for place in ["ding", "quiet", "fei", "wecom"] {
        far_end.open(place, Place::default());
    }
    let server = far_end.url("");
    let channels = [
        ("dingtalk", json!({"access_token": "ding", "server": server, "mobiles": ["13800000000"]})),
        ("dingtalk", json!({"access_token": "quiet", "server": server, "call_assignee": false})),
        ("feishu", json!({"url": far_end.url("/open-apis/bot/v2/hook/fei")})),
        ("wecom", json!({"url": far_end.url("/cgi-bin/webhook/send?key=wecom")})),
    ];
    let mut actions = Vec::new();
    for (kind, config) in &channels {
        let channel = add(&platform, kind, config)?;
        actions.push(json!({"id": "picket.actions.NotifyChannelAction", "channel": channel}));
    }
    let every = json!([condition("EveryEventCondition", &json!({}))]);
    rule(&platform, "every", "0", &json!({"conditions": every, "actions": actions}))?;
    // By what she is called, she says on her page.
    platform.sign_in()?;
    let form = [
        ("contact.mobile", "139 0000 0000"),
        ("contact.dingtalk", "manager7"),
        ("contact.feishu", "ou_7><at id=all>"),
        ("contact.wecom", "ada"),
    ];
    let saved = platform.client.post(format!("{}/settings/account/notifications/", platform.url)).form(&form).send()?;
    ensure!(saved.status() == 200 && saved.text()?.contains("13900000000"), "her page shows what she is called by");

    platform.receives(&shop, &error("Gone", "umbrella"))?;
    far_end.wait_for_told("wecom", 1)?;
    all_told(&platform)?;
    let issue = platform.only_issue(&shop)?;
    let path = format!("/issues/{}/", issue["id"].as_str().unwrap_or_default());
    let (status, answer) = platform.ask(Method::PUT, &path, &json!({"assignedTo": ADMIN}))?;
    ensure!(status == 200, "assigning was answered {status}: {answer}");
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let told = far_end.wait_for_told("ding", 2)?;
    let at = |told: &Value| told["at"].clone();
    ensure!(
        at(&told[0].body) == json!({"atMobiles": ["13800000000"], "atUserIds": [], "isAtAll": false}),
        "while it is nobody's: {}",
        told[0].body
    );
    ensure!(
        at(&told[1].body)
            == json!({"atMobiles": ["13800000000", "13900000000"], "atUserIds": ["manager7"], "isAtAll": false}),
        "since it is hers: {}",
        told[1].body
    );
    let text = told[1].body["markdown"]["text"].as_str().unwrap_or_default();
    ensure!(text.contains("@13900000000 @manager7"), "the robot wants it in the text, too: {text}");
    ensure!(at(&far_end.wait_for_told("quiet", 2)?[1].body)["atMobiles"] == json!([]), "unless the channel does not");
    let card = far_end.wait_for_told("fei", 2)?[1].body["card"]["elements"][0]["text"]["content"].to_string();
    ensure!(card.contains("<at id=ou_7atidall></at>") && !card.contains("id=all>"), "only she is called: {card}");
    let text = far_end.wait_for_told("wecom", 2)?[1].body["markdown"]["content"].to_string();
    ensure!(text.contains("<@ada>"), "{text}");
    Ok(())
}
