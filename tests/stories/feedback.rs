//! People tell what happened: through the crash-report dialog of an SDK, through an application's own form.

use anyhow::{Result, ensure};
use harness::net::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, Row, all_hold, row},
    items::kept,
    platform::{Platform, Project, SOON, TOKEN, World},
    sdks::programs,
};

pub const STORIES: &[Story] = &[
    Story {
        name: "a_person_tells_what_happened_in_the_dialog_of_sentry_browser",
        run: |world| a_person_tells(world, "sentry.js"),
    },
    Story {
        name: "a_person_tells_what_happened_in_the_dialog_of_raven_js",
        run: |world| a_person_tells(world, "raven.js"),
    },
    Story { name: "the_dialog_is_for_those_who_hold_the_dsn", run: the_dialog_is_for_those_who_hold_the_dsn },
    Story { name: "an_applications_own_form_reports_too", run: an_applications_own_form_reports_too },
];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";
const FORBIDDEN: &str = "event submission rejected with_reason: ProjectId";

fn a_person_tells(world: &World, script: &str) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let pictures = world.run.folder("dialog")?;
    let title = "<script>document.title = 'owned'</script> 出错了";
    let answer = programs::browser(world)?.playwright(
        &programs::folder("browser").join("dialog.js"),
        &json!({ "script": script, "dsn": project.dsn, "pictures": pictures, "options": { "lang": "zh-CN", "title": title } }),
    )?;
    ensure!(answer["title"] == title && answer["scripts"] == 2, "what a page says is text: {answer}");
    ensure!(answer["thanks"] == "报告已发送，谢谢！", "the dialog speaks the page's language: {answer}");
    ensure!(answer["filled"] == "grace@example.com", "what is known is filled in: {answer}");
    ensure!(answer["wrong"] == 2, "what is missing is marked: {answer}");
    if script == "sentry.js" {
        ensure!(answer["said"] == json!(["loaded", "closed"]), "the page is told: {answer}");
    }
    let id = answer["id"].as_str().unwrap_or_default();
    platform.wait_for_sql(
        &format!("select count(*) from items i join events e on e.id = i.event_id where kind = 'user_report' and e.id = '{id}'"),
        "1",
    )?;
    told(
        &platform,
        &json!({"event_id": id, "name": "Grace", "email": "grace@example.com", "comments": "it does not work"}),
    )
}

/// That report was kept, whole.
fn told(platform: &Platform, report: &Value) -> Result<()> {
    let kept = kept(platform, "user_report")?;
    let bodies = kept.iter().filter_map(|item| serde_json::from_str(item.split_once('\n')?.1).ok());
    let bodies: Vec<Value> = bodies.collect();
    ensure!(bodies.contains(report), "{report} is not among {bodies:?}");
    Ok(())
}

/// The dialog of a project, for an event.
fn dialog(method: Method, query: &str, status: u16, answer: Answer) -> Row {
    let body = "name=Grace&email=grace%40example.com&comments=%E5%9D%8F%E4%BA%86+%3Cb%3E";
    let body = if method == Method::POST { body } else { "" };
    row(&format!("/api/embed/error-page/?{query}"), body, status, answer).method(method).with("Content-Type", FORM)
}

fn the_dialog_is_for_those_who_hold_the_dsn(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other) = (platform.project("shop")?, platform.project("other")?);
    // As browsers' newest SDK writes it, and as a form would.
    let query = format!("dsn={}&eventId={ID}", shop.dsn);
    let escaped = query.replace(':', "%3A").replace('/', "%2F").replace('@', "%40");
    let strange = query.replace(&shop.key, &other.key);
    let unknown = query.replace(&shop.key, "00000000000000000000000000000000");
    let missing = |name: &str| Answer::Exactly(json!({ name: "Missing or invalid parameter." }).to_string());
    let refused = || Answer::Refusal(FORBIDDEN, "");
    let wrong = json!({"errors": {"comments": ["This field is required."], "email": ["Enter a valid email address."]}});
    let mut rows = vec![
        dialog(Method::POST, &query, 200, Answer::Exactly("{}".into())),
        dialog(Method::GET, &escaped, 200, Answer::Anything),
        row(
            &format!("/api/embed/error-page/?{query}"),
            "name=Grace&email=nobody",
            400,
            Answer::Exactly(wrong.to_string()),
        )
        .with("Content-Type", FORM),
        row(&format!("/api/embed/error-page?{query}"), "", 200, Answer::Anything)
            .method(Method::OPTIONS)
            .with("Origin", "https://shop.example")
            .with("Access-Control-Request-Method", "POST"),
    ];
    for method in [Method::GET, Method::POST] {
        let ask = |query: &str, status, answer| dialog(method.clone(), query, status, answer);
        rows.push(ask(&format!("dsn={}", shop.dsn), 400, missing("eventId")));
        rows.push(ask(&format!("dsn={}&eventId=oops", shop.dsn), 400, missing("eventId")));
        rows.push(ask(&format!("eventId={ID}"), 400, missing("dsn")));
        rows.push(ask(&format!("dsn=oops&eventId={ID}"), 400, missing("dsn")));
        rows.push(ask(&strange, 403, refused()));
        rows.push(ask(&unknown, 403, refused()));
    }
    all_hold(&platform, rows)?;
    let script =
        platform.client.get(format!("{}/api/embed/error-page/?{query}&title=%3C%2Fscript%3E", platform.url)).send()?;
    let header = |name: &str| script.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(
        header("content-type") == "text/javascript; charset=utf-8" && header("x-content-type-options") == "nosniff"
    );
    ensure!(header("access-control-allow-origin") == "*", "a page of another origin may load it: {script:?}");

    platform.sql("update projects set allowed_origins = '{shop.example}'")?;
    let elsewhere = |method: Method| {
        let cors = Answer::Refusal("event submission rejected with_reason: Cors", "");
        dialog(method, &query, 403, cors).with("Origin", "https://evil.example")
    };
    wait_for("web to know", SOON, || elsewhere(Method::GET).hold(&platform).is_ok())?;
    elsewhere(Method::POST).hold(&platform)?;
    dialog(Method::POST, &query, 200, Answer::Anything).with("Origin", "https://shop.example").hold(&platform)?;

    platform
        .sql("insert into quotas (categories, most, window_seconds, reason) values ('{feedback}', 0, 60, 'story')")?;
    let limited = dialog(Method::POST, &query, 429, Answer::Anything);
    wait_for("the quota to be known", SOON, || limited.hold(&platform).is_ok())?;
    let report = json!({"event_id": ID, "name": "Grace", "email": "grace@example.com", "comments": "坏了 <b>"});
    platform.wait_for_sql("select count(*) > 1 from items where kind = 'user_report'", "t")?;
    told(&platform, &report)
}

fn an_applications_own_form_reports_too(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other) = (platform.project("shop")?, platform.project("other")?);
    let report = json!({"event_id": ID, "name": "Grace", "email": "grace@example.com", "comments": "it broke"});
    let path = |project: &Project| format!("/api/0/projects/acme/{}/user-feedback/", project.slug);
    let send = |body: &Value, status, answer| {
        row(&path(&shop), body.to_string(), status, answer).with("Content-Type", "application/json")
    };
    let token = format!("Bearer {TOKEN}");
    let dsn = |project: &Project| format!("DSN {}", project.dsn);
    let denied = |detail: &str| Answer::Exactly(json!({ "detail": detail }).to_string());
    let wrong = json!({"comments": ["This field is required."], "event_id": ["Enter a valid event ID."]});
    let form = format!("event_id={ID}&name=Grace&email=grace%40example.com&comments=sent+as+a+form");
    all_hold(
        &platform,
        vec![
            send(&report, 200, Answer::Anything)
                .with("Authorization", dsn(&shop))
                .with("Origin", "https://shop.example"),
            send(&report, 200, Answer::Anything).with("Authorization", token.clone()),
            row(&path(&shop), form, 200, Answer::Anything).with("Content-Type", FORM).with("Authorization", dsn(&shop)),
            send(&report, 401, denied("Authentication credentials were not provided.")),
            send(&report, 401, denied("Invalid token")).with("Authorization", "Bearer of nothing"),
            send(&report, 401, Answer::Refusal("bad envelope authentication header", ""))
                .with("Authorization", "DSN oops"),
            send(&report, 403, Answer::Refusal(FORBIDDEN, "")).with("Authorization", dsn(&other)),
            send(
                &json!({"event_id": "oops", "name": "Grace", "email": "grace@example.com"}),
                400,
                Answer::Exactly(wrong.to_string()),
            )
            .with("Authorization", token.clone()),
            row(&path(&shop), "oops", 400, Answer::Refusal("invalid JSON data", ""))
                .with("Authorization", token.clone()),
            row(
                "/api/0/projects/acme/nowhere/user-feedback/",
                "{}",
                404,
                denied("The requested resource does not exist"),
            )
            .with("Authorization", token),
        ],
    )?;
    let answer = platform
        .client
        .post(format!("{}{}", platform.url, path(&shop)))
        .json(&report)
        .header("Authorization", dsn(&shop));
    let answer: Value = answer.send()?.json()?;
    ensure!(
        answer["eventID"] == ID && answer["event"]["eventID"] == ID && answer["comments"] == "it broke",
        "{answer}"
    );
    ensure!(answer["issue"].is_null() && answer["dateCreated"].is_string() && answer["id"].is_string(), "{answer}");

    // A visitor's cookie is not theirs to lend: any site could send with it.
    platform.sign_in()?;
    send(&report, 401, denied("Authentication credentials were not provided.")).hold(&platform)?;
    platform.wait_for_sql("select count(*) from items where kind = 'user_report'", "4")?;
    told(&platform, &report)
}
