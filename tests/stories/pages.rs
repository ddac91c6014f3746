//! The pages about projects, as people use them in a browser: with and without JavaScript, in both languages, in the light and
//! in the dark, at a desk and on a phone. Pictures of all of them land in `target/pages`.

use std::{fs, path::PathBuf};

use anyhow::{Result, ensure};
use harness::{
    chromium::{self, Browser, Size},
    far_end::Place,
    workspace,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    channels::SECRET,
    platform::{ADMIN, PASSWORD, Platform, Project, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_page_about_projects_can_be_used_by_everybody", run: every_page_can_be_used_by_everybody },
    Story { name: "settings_are_changed_on_pages_without_javascript", run: settings_are_changed_without_javascript },
    Story { name: "a_rule_that_cannot_be_read_is_marked_on_its_line", run: a_rule_is_marked_on_its_line },
    Story { name: "keys_are_created_renamed_rotated_and_disabled_on_their_page", run: keys_are_looked_after },
    Story { name: "what_is_sent_with_a_key_is_shown_beside_it", run: usage_of_keys },
    Story { name: "environments_are_hidden_and_shown", run: environments },
    Story { name: "a_project_is_deleted_by_whoever_types_its_slug", run: deletion },
    Story { name: "a_quota_is_set_and_removed_on_its_page", run: a_quota_is_set_and_removed },
    Story { name: "alerts_are_set_up_on_pages_without_javascript", run: alerts_are_set_up },
    Story { name: "the_guide_notices_the_first_event_by_itself", run: the_guide_notices_the_first_event },
    Story { name: "the_overview_counts_events_and_open_issues", run: the_overview_counts },
    Story { name: "a_member_reads_the_pages_and_an_admin_changes_them", run: only_admins_change_pages },
];

/// How somebody looks at pages.
#[derive(Clone, Copy)]
pub struct Looks {
    pub locale: &'static str,
    pub scheme: &'static str,
    pub size: Size,
    pub scripts: Scripts,
}

impl Looks {
    /// Both languages, the light and the dark, a desk and a phone.
    pub const ALL: [Looks; 4] = [
        AT_A_DESK,
        Looks { scheme: "dark", size: Size::PHONE, ..AT_A_DESK },
        Looks { locale: "zh-CN", scheme: "dark", ..AT_A_DESK },
        Looks { locale: "zh-CN", size: Size::PHONE, ..AT_A_DESK },
    ];
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

/// Steps of a part of a long way.
const FAR: usize = 6;

pub const AT_A_DESK: Looks = Looks { locale: "en-US", scheme: "light", size: Size::LAPTOP, scripts: Scripts::On };
pub const WITHOUT_SCRIPTS: Looks = Looks { scripts: Scripts::Off, ..AT_A_DESK };

pub fn folder() -> Result<PathBuf> {
    let folder = workspace().join("target/pages");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Somebody signs in and takes these steps; nothing on the way may keep anybody out.
pub fn walk(platform: &Platform, looks: Looks, steps: &Value) -> Result<()> {
    walk_as(platform, (&platform.url, ADMIN, PASSWORD), looks, steps)
}

/// The same, as somebody, where they find the pages.
pub fn walk_as(
    platform: &Platform,
    (url, login, password): (&str, &str, &str),
    looks: Looks,
    steps: &Value,
) -> Result<()> {
    let Looks { locale, scheme, size, scripts } = looks;
    let width = if size.width < 600 { "phone" } else { "desk" };
    let input = json!({
        "url": url, "email": login, "password": password, "steps": steps, "folder": folder()?,
        "suffix": format!("{}-{scheme}-{width}", &locale[..2]), "locale": locale, "colorScheme": scheme,
        "size": {"width": size.width, "height": size.height}, "javaScript": scripts == Scripts::On,
    });
    let browser = Browser::prepare(&platform.world.run)?;
    let answer = browser.playwright(&chromium::scripts().join("walk.js"), &input)?;
    ensure!(answer["wrong"] == json!([]), "in {locale}, {scheme}, {width}: {:#}", answer["wrong"]);
    Ok(())
}

/// The same for a long way: in parts, each of which a slow machine takes in time.
pub fn walk_far(platform: &Platform, looks: Looks, steps: &Value) -> Result<()> {
    let steps = steps.as_array().map(Vec::as_slice).unwrap_or_default();
    // A part begins where a page is opened.
    let mut parts: Vec<Vec<&Value>> = Vec::new();
    for step in steps {
        if parts.last().is_none_or(|part| part.len() >= FAR && !step["open"].is_null()) {
            parts.push(Vec::new());
        }
        parts.last_mut().into_iter().for_each(|part| part.push(step));
    }
    parts.iter().try_for_each(|part| walk(platform, looks, &json!(part)))
}

fn every_page_can_be_used_by_everybody(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.project("billing")?;
    let nowhere = json!({"url": "https://hooks.example/x"});
    for (kind, name, config) in [("slack", "The team's channel", &nowhere), ("wecom", "值班机器人", &nowhere)] {
        let channel = json!({"kind": kind, "name": name, "config": config});
        let (status, answer) = platform.ask(Method::POST, "/projects/acme/shop/channels/", &channel)?;
        ensure!(status == 201, "{kind} was answered {status}: {answer}");
    }
    platform.sql("update channels set paused_at = now(), paused_code = '93004', paused_said = 'robot removed' where kind = 'wecom'")?;
    platform.ask(Method::PUT, "/projects/acme/shop/filters/localhost/", &json!({"active": true}))?;
    fill(&platform, &project)?;
    let pages = [
        ("overview", "/acme/"),
        ("settings-general", "/acme/shop/settings/"),
        ("settings-keys", "/acme/shop/settings/keys/"),
        ("settings-environments", "/acme/shop/settings/environments/?done=hidden"),
        ("settings-removal", "/acme/shop/settings/removal/"),
        ("settings-filters", "/acme/shop/settings/filters/?done=saved"),
        ("settings-privacy", "/acme/shop/settings/privacy/"),
        ("settings-grouping", "/acme/shop/settings/grouping/"),
        ("settings-quotas", "/acme/shop/settings/quotas/"),
        ("settings-alerts", "/acme/shop/settings/alerts/"),
        ("settings-alerts-new", "/acme/shop/settings/alerts/new/"),
        ("settings-alerts-rule", "/acme/shop/settings/alerts/1/?done=rule-saved"),
        ("settings-channels", "/acme/shop/settings/channels/"),
        ("settings-channels-new", "/acme/shop/settings/channels/new/dingtalk/"),
        ("setup", "/acme/shop/setup/"),
        ("setup-waiting", "/acme/billing/setup/android/"),
    ];
    let steps: Value = pages.iter().flat_map(|(name, path)| [json!({"open": path}), json!({"show": name})]).collect();
    Looks::ALL.into_iter().try_for_each(|looks| walk(&platform, looks, &steps))
}

fn alerts_are_set_up(world: &World) -> Result<()> {
    let (platform, far_end) = crate::channels::platform(world)?;
    let shop = platform.project("shop")?;
    far_end.open("own", Place { secret: Some(SECRET), ..Place::default() });
    for item in ["hat", "hat", "coat"] {
        platform.receives(&shop, &error("Gone", item))?;
    }
    platform.stores(3)?;
    let steps = json!([
        {"open": "/acme/shop/settings/channels/"},
        {"follow": "Webhook"},
        {"fill": ["Address", "not an address"]}, {"fill": ["Secret", SECRET]},
        {"press": "Add the channel"}, {"see": "This is no address"}, {"show": "channel-wrong"},
        {"fill": ["Name", "Our hook"]}, {"fill": ["Address", far_end.url("/hook/own")]}, {"fill": ["Secret", SECRET]},
        {"press": "Add the channel"}, {"see": "The channel is saved"},
        {"press": "Send a test: Our hook"}, {"see": "The test was taken"}, {"show": "channels-tried"},
        {"follow": "Alert rules"}, {"see": "A new issue is seen for the first time"}, {"follow": "New rule"},
        {"uncheck": "A new issue is seen for the first time"}, {"uncheck": "A resolved issue happens again"},
        {"uncheck": "An ignored issue is worth a look"},
        {"press": "Save the rule"}, {"see": "A rule has a name"}, {"see": "never fires"},
        {"fill": ["Name", "Often"]}, {"check": "An issue happens more often than"},
        {"fill": ["An issue happens more often than: value", "1"]},
        {"choose": ["An issue happens more often than: interval", "1d"]},
        {"uncheck": "Mail the members"}, {"check": "Our hook"}, {"choose": ["At most once per issue in", "5"]},
        {"press": "Preview"}, {"see": "It would have told 1 time in the last 7 days, about 1 issue, of 3 events"},
        {"show": "rule-preview"},
        {"press": "Save the rule"}, {"see": "The rule is saved"},
        {"press": "Send a test"}, {"see": "The test was taken"},
        {"press": "Mute"}, {"see": "The rule is muted"}, {"press": "Unmute"}, {"see": "The rule is no longer muted"},
        {"follow": "All rules"}, {"see": "An issue happens more than 1 time in 1 day"}, {"see": "Tell Our hook"},
        {"press": "Send me no mails"}, {"see": "You get no alerts"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.worker.stop();
    let _worker = platform.one_more("worker", &[])?;
    platform.receives(&shop, &error("Gone", "hat"))?;
    far_end.wait_for_told("own", 3)?;
    let rule = platform.sql("select max(id) from alert_rules")?;
    let steps = json!([
        {"open": format!("/acme/shop/settings/alerts/{rule}/")}, {"see": "Told"}, {"show": "rule-history"},
        {"press": "Send again"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    far_end.wait_for_told("own", 4)?;
    ensure!(platform.sql("select alerts from mail_preferences")? == "f", "no mails are wanted");
    Ok(())
}

/// Events, filtered ones, and a quota: what pages have something to show of.
fn fill(platform: &Platform, project: &Project) -> Result<()> {
    for item in ["umbrella", "hat", "coat"] {
        platform.receives(project, &error("Gone", item))?;
    }
    let mut own = error("Gone", "at home");
    own["request"] = json!({"url": "http://localhost:8000/cart"});
    platform.receives(project, &own)?;
    platform.stores(3)?;
    platform.picket(&["quotas", "set", "--installation", "--most", "100000", "--window", "1h"])?;
    platform.picket(&[
        "quotas",
        "set",
        "--organization",
        "acme",
        "--project",
        "shop",
        "--categories",
        "error",
        "--most",
        "5000",
        "--window",
        "1d",
    ])?;
    platform.picket(&["keys", "rotate", "--organization", "acme", "--project", "shop"])?;
    platform.wait_for_sql("select count(*) > 1 from outcomes", "t")
}

fn settings_are_changed_without_javascript(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    let steps = json!([
        {"open": "/acme/shop/settings/"},
        {"fill": ["Name", "The shop"]},
        {"fill": ["Allowed origins", "*.shop.example\nhttps://shop.example:8443"]},
        {"fill": ["Resolve silent issues after", "720"]},
        {"choose": ["Platform", "go"]},
        {"press": "Save changes"}, {"see": "The changes are saved"},
        {"follow": "Inbound filters"},
        {"check": "Browser extensions"}, {"uncheck": "Web crawlers"}, {"check": "IE 11"},
        {"fill": ["Error messages", "*ResizeObserver*"]}, {"fill": ["Addresses of clients", "10.0.0.0/8"]},
        {"press": "Save changes"}, {"see": "The changes are saved"},
        {"follow": "Privacy"},
        {"check": "IP addresses"}, {"fill": ["Sensitive fields", "ticket\nbadge"]},
        {"press": "Save changes"}, {"see": "The changes are saved"},
        {"follow": "Grouping"},
        {"fill": ["Fingerprint rules", "error.type:Gone -> gone"]}, {"check": "legacy:2019-03-12"},
        {"press": "Save changes"}, {"see": "The changes are saved"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    let kept = platform.api("/projects/acme/shop/")?;
    let expected = json!({
        "name": "The shop", "platform": "go", "resolveAge": 720, "scrubIPAddresses": true, "dataScrubber": true,
        "allowedDomains": ["*.shop.example", "https://shop.example:8443"], "sensitiveFields": ["ticket", "badge"],
        "fingerprintingRules": "error.type:Gone -> gone", "groupingConfig": "legacy:2019-03-12",
    });
    for (name, value) in expected.as_object().into_iter().flatten() {
        ensure!(&kept[name] == value, "{name} is {}, not {value}", kept[name]);
    }
    ensure!(!kept["secondaryGroupingConfig"].is_null(), "the former version is still looked for: {kept:#}");
    ensure!(kept["options"]["filters:error_messages"] == "*ResizeObserver*", "the filters are {:#}", kept["options"]);
    let filters = platform.api("/projects/acme/shop/filters/")?;
    let active = |id: &str| filters.as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).cloned();
    ensure!(active("browser-extensions").is_some_and(|one| one["active"] == true), "the filters are {filters:#}");
    ensure!(active("web-crawlers").is_some_and(|one| one["active"] == false), "the filters are {filters:#}");
    ensure!(
        active("legacy-browsers").is_some_and(|one| one["active"] == json!(["ie11"])),
        "the filters are {filters:#}"
    );

    let moved = json!([
        {"open": "/acme/shop/settings/"}, {"fill": ["Slug", "store"]}, {"press": "Save changes"}, {"see": "The changes are saved"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &moved)?;
    ensure!(platform.api("/projects/acme/store/")?["name"] == "The shop", "it has moved with its new slug");
    Ok(())
}

fn a_rule_is_marked_on_its_line(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.project("other")?;
    let before = platform.api("/projects/acme/shop/")?;
    let steps = json!([
        {"open": "/acme/shop/settings/grouping/"},
        {"fill": ["Fingerprint rules", "# Rules\nerror.type:Gone -> gone\nlevel:error"]},
        {"press": "Save changes"}, {"see": "line 3"}, {"see": "Nothing was saved"}, {"show": "wrong-grouping"},
        {"open": "/acme/shop/settings/privacy/"},
        {"fill": ["Rules with selectors", "{\n  \"rules\": {},\n  oops\n}"]},
        {"press": "Save changes"}, {"see": "line 3"}, {"show": "wrong-privacy"},
        {"open": "/acme/shop/settings/filters/"},
        {"fill": ["Addresses of clients", "10.0.0.300"]},
        {"press": "Save changes"}, {"see": "is neither an address nor a range"}, {"show": "wrong-filters"},
        {"open": "/acme/shop/settings/"},
        {"fill": ["Slug", "other"]}, {"fill": ["Allowed origins", "ftp://shop.example"]},
        {"press": "Save changes"}, {"see": "is no origin"},
        {"fill": ["Allowed origins", "*"]}, {"press": "Save changes"}, {"see": "Another project"}, {"show": "wrong-general"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    let chinese = json!([
        {"open": "/acme/shop/settings/grouping/"},
        {"fill": ["指纹规则", "error.type:Gone -> gone\nlevel:error"]},
        {"press": "保存更改"}, {"see": "第 2 行"}, {"see": "缺少 -> 和指纹"}, {"show": "wrong-grouping"},
    ]);
    walk(&platform, Looks { locale: "zh-CN", scheme: "dark", size: Size::PHONE, scripts: Scripts::On }, &chinese)?;
    ensure!(platform.api("/projects/acme/shop/")? == before, "something was saved all the same");
    Ok(())
}

fn keys_are_looked_after(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    let states = "select string_agg(label || case when is_active then '' else '!' end, ',' order by created_at) from project_keys";
    let steps = json!([
        {"open": "/acme/shop/settings/keys/"},
        {"fill": ["Label", "Old tills"]}, {"press": "Rename"}, {"see": "The key is renamed."},
        {"press": "Disable"}, {"see": "What is sent with the key is refused"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.wait_for_sql(states, "Old tills!")?;
    let steps = json!([
        {"open": "/acme/shop/settings/keys/"},
        {"press": "Enable"}, {"see": "The key works again"},
        {"choose": ["The present keys work on for", "86400"]}, {"press": "Rotate keys"}, {"see": "A new key is created."},
        {"see": "works until"}, {"show": "keys-rotated"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    platform.wait_for_sql(states, "Old tills,Default")?;
    let steps = json!([
        {"open": "/acme/shop/settings/keys/"},
        {"fill": ["Label", "New tills"]}, {"press": "Rename"}, {"see": "The key is renamed."},
        {"open": "/acme/shop/settings/keys/"}, {"last": ["Label", "Back office"]}, {"press": "Create key"}, {"see": "The key is created."},
        {"see": "Back office"}, {"last": ["Label", " "]}, {"press": "Create key"}, {"see": "A label has between 1 and 64 characters."},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.wait_for_sql(states, "New tills,Default,Back office")?;
    let ends = "select count(*) from project_keys where expires_at between now() + interval '23 hours' and now() + interval '25 hours'";
    platform.wait_for_sql(ends, "1")?;
    platform.project("other")?;
    let foreign = platform
        .sql("select public_key from project_keys k join projects p on p.id = k.project_id where slug = 'other'")?;
    platform.sign_in()?;
    let url = format!("{}/acme/shop/settings/keys/{foreign}/status/", platform.url);
    let answer = platform.client.post(url).form(&[("active", "false")]).send()?;
    ensure!(answer.status() == 404, "a key of another project was answered {}", answer.status());
    Ok(())
}

fn usage_of_keys(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    for item in ["hat", "coat"] {
        platform.receives(&shop, &error("Gone", item))?;
    }
    platform.stores(2)?;
    platform.picket(&["quotas", "set", "--key", &shop.key, "--most", "0", "--window", "1h"])?;
    let refused = || platform.send(&shop, &error("Gone", "item")).is_ok_and(|answer| answer.status() == 429);
    harness::net::wait_for("a refusal", crate::platform::SOON, refused)?;
    platform.wait_for_sql("select sum(dropped) > 0 and sum(accepted) >= 2 from key_hours", "t")?;
    let sums = platform
        .sql("select sum(accepted) || ' taken, 0 filtered, ' || sum(dropped) || ' over a quota' from key_hours")?;
    let steps = json!([{"open": "/acme/shop/settings/keys/"}, {"see": sums}, {"show": "keys-used"}]);
    walk(&platform, AT_A_DESK, &steps)
}

fn environments(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    for name in ["production", "load test <1>"] {
        let mut event = error("Gone", "hat");
        event["environment"] = json!(name);
        platform.receives(&shop, &event)?;
    }
    platform.stores(2)?;
    let steps = json!([
        {"open": "/acme/shop/settings/environments/"}, {"press": "Hide: production"}, {"see": "The environment is hidden."},
        {"press": "Show: production"}, {"see": "The environment is shown again."},
        {"press": "Hide: production"}, {"show": "environments-hidden"},
        {"open": "/acme/shop/issues/"}, {"unfold": "Environment any"}, {"see": "load test <1>"}, {"gone": "production"},
    ]);
    for looks in [AT_A_DESK, WITHOUT_SCRIPTS] {
        walk(&platform, looks, &steps)?;
        ensure!(platform.sql("select string_agg(name, ',') from hidden_environments")? == "production", "it is hidden");
        platform.sql("delete from hidden_environments")?;
    }
    let path = "/projects/acme/shop/environments/";
    let names = |query: &str| -> Result<Vec<String>> {
        let listed = platform.api(&format!("{path}{query}"))?;
        Ok(listed.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect())
    };
    ensure!(names("")? == ["load test <1>", "production"], "both are listed: {:?}", names("")?);
    let (status, answer) =
        platform.ask(Method::PUT, &format!("{path}load%20test%20%3C1%3E/"), &json!({"isHidden": true}))?;
    ensure!(status == 200 && answer["isHidden"] == true, "hiding was answered {status}: {answer}");
    ensure!(names("")? == ["production"] && names("?visibility=hidden")? == ["load test <1>"], "one is hidden");
    ensure!(names("?visibility=all")?.len() == 2, "all are listed where all are asked for");
    let of_all = platform.api("/organizations/acme/environments/")?;
    ensure!(of_all.as_array().is_some_and(|all| all.len() == 1 && all[0]["name"] == "production"), "{of_all}");
    let (status, _) = platform.ask(Method::PUT, &format!("{path}nowhere/"), &json!({"isHidden": true}))?;
    ensure!(status == 404, "an environment that is not there was answered {status}");
    Ok(())
}

fn deletion(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, billing) = (platform.project("shop")?, platform.project("billing")?);
    for project in [&shop, &billing] {
        platform.receives(project, &error("Gone", "hat"))?;
    }
    platform.stores(2)?;
    let steps = json!([
        {"open": "/acme/shop/settings/removal/"},
        {"fill": ["Type shop to confirm", "billing"]}, {"begin": "Delete project"}, {"see": "That is not the slug of this project"}, {"show": "removal-wrong"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    ensure!(platform.sql("select count(*) from projects where deleted_at is not null")? == "0", "nothing is deleted");
    // Nobody waits for the worker: everything is gone before it has done anything.
    platform.worker.stop();
    let steps = json!([
        {"open": "/acme/shop/settings/removal/"}, {"fill": ["Type shop to confirm", "shop"]}, {"begin": "Delete project"},
        {"see": "The project is deleted."}, {"gone": "shop"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.sign_in()?;
    let status = platform.client.get(format!("{}/acme/shop/issues/", platform.url)).send()?.status();
    ensure!(status == 404, "the deleted project's issues were answered {status}");
    let refused = || {
        platform
            .send(&shop, &error("Gone", "item"))
            .is_ok_and(|answer| answer.status() == 401 || answer.status() == 403)
    };
    harness::net::wait_for("a refusal", crate::platform::SOON, refused)?;
    ensure!(
        platform.sql("select count(*) from projects where deleted_at is not null")? == "1",
        "a worker has still to clear it"
    );
    let again = platform.project("shop")?;
    ensure!(again.id != shop.id, "the slug is free again");
    let _worker = platform.one_more("worker", &[])?;
    platform.wait_for_sql("select count(*) from projects where deleted_at is not null", "0")?;
    let left = platform.sql(&format!(
        "select (select count(*) from events where project_id = {0}) + (select count(*) from issues where project_id = {0})
              + (select count(*) from issue_tags where project_id = {0}) + (select count(*) from project_keys where project_id = {0})",
        shop.id
    ))?;
    ensure!(left == "0", "{left} rows of it are left");
    ensure!(
        platform.sql(&format!("select count(*) from events where project_id = {}", billing.id))? == "1",
        "the other project has its event"
    );
    ensure!(
        platform.sql("select actor || ' ' || target from audit_log where event = 'project.remove'")?
            == format!("{ADMIN} shop"),
        "it is in the audit log"
    );
    let (status, _) = platform.ask(Method::DELETE, "/projects/acme/billing/", &json!({}))?;
    ensure!(status == 204, "deleting by the Web API was answered {status}");
    platform.wait_for_sql(&format!("select count(*) from events where project_id = {}", billing.id), "0")
}

fn a_quota_is_set_and_removed(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let quotas = "select count(*) || coalesce(max(most || '/' || window_seconds || array_to_string(categories, ',')), '') from quotas";
    let steps = json!([
        {"open": "/acme/shop/settings/quotas/"},
        {"fill": ["At most", "many"]}, {"press": "Set quota"}, {"see": "A whole number is wanted"}, {"show": "wrong-quotas"},
        {"fill": ["At most", "1"]}, {"choose": ["Category", "error"]}, {"press": "Set quota"}, {"see": "The quota is set."},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    platform.wait_for_sql(quotas, "11/3600error")?;
    // Web knows within five seconds; from then on one is taken and the next refused.
    let refused = || platform.send(&project, &error("Gone", "item")).is_ok_and(|answer| answer.status() == 429);
    harness::net::wait_for("a refusal", crate::platform::SOON, refused)?;
    platform.wait_for_sql("select sum(quantity) > 0 from outcomes where outcome = 2 and category = 'error'", "t")?;
    let steps = json!([
        {"open": "/acme/shop/settings/quotas/"}, {"see": "Over a quota"}, {"see": "Errors"}, {"show": "quotas-used"},
        {"press": "Remove"}, {"see": "The quota is removed"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.wait_for_sql(quotas, "0")
}

fn the_guide_notices_the_first_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other) = (platform.project("shop")?, platform.project("other")?);
    let report = |project: &Project| json!({"report": {"store": format!("{}/api/{}/store/", platform.url, project.id), "key": project.key}});
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"see": "Waiting for the first event"}, {"follow": "Rust"},
        {"see": "cargo add sentry"}, {"see": shop.dsn}, {"see": "This changes by itself"},
        report(&shop), {"see": "First event received"}, {"show": "setup-received"}, {"follow": "See the issues"}, {"see": "hello"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    let steps = json!([
        {"open": "/acme/other/setup/node/"}, {"see": "Waiting for the first event"}, report(&other),
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.stores(2)?;
    let again = json!([{"open": "/acme/other/setup/node/"}, {"see": "First event received"}]);
    walk(&platform, WITHOUT_SCRIPTS, &again)?;

    platform.sign_in()?;
    for platform_id in [
        "python",
        "javascript",
        "node",
        "java",
        "go",
        "rust",
        "php",
        "ruby",
        "dotnet",
        "android",
        "ios",
        "flutter",
        "react-native",
        "unity",
        "native",
        "other",
        "raven-python",
        "raven-node",
        "raven-js",
        "java-1",
    ] {
        let page = platform.page(&format!("/acme/shop/setup/{platform_id}/"))?;
        ensure!(page.matches(&shop.key).count() >= 2, "{platform_id}: the DSN is not filled in");
        ensure!(!page.contains("{DSN}") && !page.contains("{KEY}") && !page.contains("{STORE}"), "{platform_id}");
    }
    Ok(())
}

fn the_overview_counts(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.project("billing")?;
    for _ in 0..3 {
        platform.receives(&project, &error("Gone", "umbrella"))?;
    }
    platform.wait_for_sql("select sum(quantity) from outcomes where outcome = 0 and category = 'error'", "3")?;
    platform.sql(&format!(
        "insert into outcomes values ({}, date_trunc('hour', now() - interval '5 days'), 'error', 0, '', 4000)",
        project.id
    ))?;
    platform.sign_in()?;
    let page = platform.page("/")?;
    let card = page.split("class=\"card project\"").find(|card| card.contains(">shop<")).unwrap_or_default().to_owned();
    let shown: Vec<_> = card.split("<dd>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    ensure!(shown == ["3", "4k", "1"], "the counts are {shown:?} in\n{card}");
    let silent = page.split("class=\"card project\"").find(|card| card.contains(">billing<")).unwrap_or_default();
    ensure!(silent.contains("/acme/billing/setup/"), "who never reported is shown how:\n{silent}");
    ensure!(platform.page("/acme/")?.contains(">shop<"), "an organisation has an overview of its own");
    Ok(())
}

fn only_admins_change_pages(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.sql("update users set is_superuser = false; update members set role = 'member'")?;
    platform.sign_in()?;
    let forms: [(&str, &[(&str, &str)]); 6] = [
        ("", &[("name", "Mine")]),
        ("filters/", &[("filters:localhost", "1")]),
        ("keys/", &[("label", "Mine")]),
        ("keys/rotation/", &[("overlap", "0")]),
        ("quotas/", &[("most", "0"), ("number", "1"), ("unit", "60")]),
        ("quotas/1/removal/", &[]),
    ];
    let before = platform
        .sql("select (select count(*) from project_keys), (select count(*) from quotas), settings from projects")?;
    for (page, form) in forms {
        let url = format!("{}/acme/shop/settings/{page}", platform.url);
        let status = platform.client.post(&url).form(form).send()?.status();
        ensure!(status == 403, "a member's change of {page:?} was answered {status}");
    }
    let after = platform
        .sql("select (select count(*) from project_keys), (select count(*) from quotas), settings from projects")?;
    ensure!(before == after, "a member changed something: {before} is now {after}");
    for page in ["", "filters/", "privacy/", "grouping/", "keys/", "quotas/"] {
        let text = platform.page(&format!("/acme/shop/settings/{page}"))?;
        ensure!(
            text.contains("You see these settings and cannot change them"),
            "{page} does not say that it is read only"
        );
        ensure!(!text.contains("class=\"button primary\""), "{page} offers a change");
    }
    Ok(())
}
