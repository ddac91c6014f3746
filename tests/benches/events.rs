//! The events whose cost is measured: a plain one and one with everything from Python, one of a browser, one of a Java server.

use serde_json::{Value, json};

use crate::load;

/// What they are called, and the events.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Python", load::event(7)),
        ("Python, rich", python()),
        ("JavaScript, rich", javascript()),
        ("Java, chained", java()),
    ]
}

/// The plain event, and around it what a web framework's integration adds: request, user, breadcrumbs, variables, contexts.
fn python() -> Value {
    let mut event = load::event(7);
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array_mut();
    for (at, frame) in frames.into_iter().flatten().enumerate() {
        frame["vars"] = json!({
            "self": format!("<shop.module_{at}.Basket object at 0x7f3a{at:04x}c0d0>"),
            "basket": {"items": [{"sku": format!("'BOOK-{at}'"), "count": "2", "price": "Decimal('19.90')"}], "voucher": "None"},
            "customer_id": (40_000 + at).to_string(),
            "retries": "3",
        });
    }
    let crumbs = |at: usize| {
        json!({
            "timestamp": 1_717_171_700.25 + f64::from(u32::try_from(at).unwrap_or_default()), "type": "default", "category": "query", "level": "info",
            "message": format!("SELECT shop_item.id, shop_item.sku FROM shop_item WHERE shop_item.basket_id = {at} LIMIT 21"),
            "data": {"db.system": "postgresql", "duration_ms": at},
        })
    };
    event["breadcrumbs"] = json!({"values": (0..30).map(crumbs).collect::<Vec<_>>()});
    event["request"] = json!({
        "url": "https://shop.example/checkout/pay", "method": "POST", "query_string": "step=3&voucher=&lang=de",
        "headers": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br",
            "Accept-Language": "de-DE,de;q=0.9,en;q=0.8", "Content-Type": "application/x-www-form-urlencoded", "Host": "shop.example",
            "Referer": "https://shop.example/checkout/", "X-Forwarded-For": "203.0.113.9", "X-Request-Id": "f0d1c9e24b7a4c32",
            "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
        },
        "cookies": {"sessionid": "0a1b2c3d4e5f", "lang": "de"}, "data": {"card": "[Filtered]", "name": "Ada", "agreed": "on"},
        "env": {"REMOTE_ADDR": "203.0.113.9", "SERVER_NAME": "shop.example", "SERVER_PORT": "443"},
    });
    event["user"] = json!({"id": "7", "email": "ada@shop.example", "username": "ada", "ip_address": "203.0.113.9"});
    event["transaction"] = json!("/checkout/pay");
    event["contexts"] = json!({
        "runtime": {"name": "CPython", "version": "3.12.3", "build": "3.12.3 (main, Apr 10 2024, 05:33:47) [GCC 13.2.0]"},
        "trace": {"trace_id": "771a43a4192642f0b136d5159a501700", "span_id": "9000000000000007", "op": "http.server"},
    });
    event["modules"] = (0..60)
        .map(|at| (format!("package-{at}"), json!(format!("{at}.4.{at}"))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    event["extra"] = json!({"sys.argv": ["manage.py", "runserver"], "basket": {"total": 39.8, "currency": "EUR", "lines": [1, 2, 3]}});
    event["sdk"] = json!({"name": "sentry.python.django", "version": "2.9.0", "integrations": ["argv", "atexit", "django", "logging"]});
    event
}

/// A browser's: minified frames, clicks and requests before it, no source.
fn javascript() -> Value {
    let frame = |at: usize| {
        json!({
            "filename": format!("https://shop.example/static/js/chunk-{at}.3f2a1b9c.js?v=12"), "function": format!("Basket.render{at}"),
            "in_app": true, "lineno": 1, "colno": 40_000 + at,
        })
    };
    let crumb = |at: usize| match at % 3 {
        0 => json!({
            "timestamp": 1_717_171_700.25, "category": "ui.click", "message": format!("body > div#root > main.shop > ul.items > li:nth-child({at}) > button.add")
        }),
        1 => json!({
            "timestamp": 1_717_171_700.5, "type": "http", "category": "fetch",
            "data": {"method": "GET", "url": format!("https://api.shop.example/v1/items/{at}?lang=de"), "status_code": 200},
        }),
        _ => json!({
            "timestamp": 1_717_171_700.75, "category": "console", "level": "warning", "message": format!("price of item {at} is stale, asking again"),
            "data": {"arguments": ["price of item", at, "is stale"], "logger": "console"},
        }),
    };
    json!({
        "event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "javascript", "level": "error", "timestamp": 1_717_171_717.5,
        "release": "shop-web@4.5.6+abcdef", "environment": "production", "transaction": "/checkout", "tags": {"page": "checkout", "cohort": "b"},
        "exception": {"values": [{
            "type": "TypeError", "value": "Cannot read properties of undefined (reading 'price')",
            "mechanism": {"type": "onerror", "handled": false}, "stacktrace": {"frames": (0..30).map(frame).collect::<Vec<_>>()},
        }]},
        "breadcrumbs": (0..60).map(crumb).collect::<Vec<_>>(),
        "request": {
            "url": "https://shop.example/checkout?step=3#pay",
            "headers": {
                "Referer": "https://shop.example/basket",
                "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
            },
        },
        "user": {"id": "7", "ip_address": "{{auto}}"}, "extra": {"component": "Basket", "props": {"items": 3, "currency": "EUR"}},
        "contexts": {"react": {"version": "18.3.1"}, "trace": {"trace_id": "771a43a4192642f0b136d5159a501700", "span_id": "9000000000000007"}},
        "sdk": {"name": "sentry.javascript.react", "version": "8.7.0", "integrations": ["InboundFilters", "Breadcrumbs", "Dedupe"]},
    })
}

/// A server's: three causes, each with a long stack of its framework around a few calls of its own.
fn java() -> Value {
    let frame = |at: usize| {
        let is_own = at % 12 == 11;
        let package = if is_own { "com.acme.shop.basket" } else { "org.springframework.web.servlet.handler" };
        json!({
            "module": format!("{package}.Service{at}$$EnhancerBySpringCGLIB$$1ebd{at:04x}"), "function": format!("invoke{at}"),
            "filename": format!("Service{at}.java"), "lineno": 40 + at, "in_app": is_own, "native": false,
        })
    };
    let exception = |at: usize| {
        json!({
            "type": format!("Basket{at}Exception"), "module": "com.acme.shop.basket", "thread_id": 41,
            "value": format!("basket {at}4711 of customer 8f14e45f-ceea-467f-a0e6-1b1e3a3d6b1c could not be saved in 1500ms"),
            "stacktrace": {"frames": (0..60).map(frame).collect::<Vec<_>>()},
        })
    };
    json!({
        "event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "java", "level": "error", "timestamp": "2024-05-31T16:08:37.500Z",
        "logger": "com.acme.shop.basket.BasketController", "release": "shop@1.2.3", "environment": "production", "server_name": "web-1",
        "message": {"message": "saving basket {} did not work", "params": ["4711"], "formatted": "saving basket 4711 did not work"},
        "exception": {"values": (0..3).map(exception).collect::<Vec<_>>()},
        "tags": {"region": "eu"}, "contexts": {"runtime": {"name": "Eclipse Adoptium", "version": "21.0.3"}},
        "sdk": {"name": "sentry.java.spring-boot.jakarta", "version": "7.9.0"},
    })
}
