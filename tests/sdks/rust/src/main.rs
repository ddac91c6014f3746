//! A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the error's id.
//!
//! With a number behind the DSN it reports so many errors instead, one after the other, waits for each answer, and checks in.

use std::{env, error::Error, fmt, time::Duration};

use sentry::{
    Breadcrumb, Client, ClientOptions, Envelope, Hub, Level, TransactionContext, User,
    protocol::{Attachment, Context, EnvelopeItem, MonitorCheckIn, MonitorCheckInStatus},
};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct SoldOut(&'static str);

#[derive(Debug)]
struct EmptyBasket(String, SoldOut);

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} is left", self.0)
    }
}

impl fmt::Display for EmptyBasket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is empty", self.0)
    }
}

impl Error for SoldOut {}

impl Error for EmptyBasket {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

#[inline(never)]
fn checkout(basket: &str) -> sentry::types::Uuid {
    sentry::capture_error(&EmptyBasket(basket.to_owned(), SoldOut("umbrella")))
}

fn report_all() {
    sentry::configure_scope(|scope| {
        scope.set_tag("page", "checkout");
        scope.set_user(Some(User { id: Some("42".into()), email: Some("grace@example.com".into()), ..User::default() }));
        scope.set_extra("ordered", "umbrella".into());
        scope.set_context("shop", Context::Other([("region".to_owned(), "eu".into())].into()));
    });
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("cart".into()),
        message: Some("the basket was emptied".into()),
        level: Level::Info,
        ..Breadcrumb::default()
    });
    let attachment = Attachment { buffer: b"umbrella".to_vec(), filename: "cart.txt".into(), ..Attachment::default() };
    let id = sentry::with_scope(|scope| scope.add_attachment(attachment), || checkout("basket"));
    println!("{}", id.simple());
    sentry::capture_message("the checkout is closed", Level::Warning);
    sentry::start_transaction(TransactionContext::new("restock", "task")).finish();
}

fn check_in(client: &Client) {
    let check_in = MonitorCheckIn {
        check_in_id: sentry::types::random_uuid(),
        monitor_slug: "backup".into(),
        status: MonitorCheckInStatus::Ok,
        environment: None,
        duration: None,
        monitor_config: None,
    };
    let mut envelope = Envelope::new();
    envelope.add_item(EnvelopeItem::MonitorCheckIn(check_in));
    client.send_envelope(envelope);
}

fn main() {
    let mut arguments = env::args().skip(1);
    let dsn = arguments.next().expect("a DSN");
    let errors: Option<u32> = arguments.next().map(|errors| errors.parse().expect("a number of errors"));
    let options = ClientOptions::new()
        .dsn(&dsn)
        .release("shop@1.2.3")
        .environment("demo")
        .attach_stacktrace(true)
        .traces_sample_rate(1.0)
        .in_app_include(["picket_sdk_rust"]);
    let sentry = sentry::init(options);
    let client: &Client = &sentry;
    sentry::start_session();
    match errors {
        None => report_all(),
        Some(errors) => (0..errors).for_each(|number| {
            checkout(&format!("basket {number}"));
            client.flush(Some(PATIENCE));
        }),
    }
    check_in(client);
    sentry::end_session();
    Hub::current().client().map(|client| client.flush(Some(PATIENCE)));
}
