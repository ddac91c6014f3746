// A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the error's id.
//
// With a number behind the DSN it reports so many errors instead, one after the other, waits for each answer, and checks in.
const Sentry = require("@sentry/node");

function take(item, basket) {
  throw new TypeError(`no ${item} is left for the ${basket}`);
}

function checkout(basket) {
  try {
    take("umbrella", basket);
  } catch (cause) {
    throw new RangeError(`the ${basket} is empty`, { cause });
  }
}

function fail(basket = "basket") {
  try {
    checkout(basket);
  } catch (error) {
    return Sentry.captureException(error);
  }
}

async function reportAll() {
  Sentry.setTag("page", "checkout");
  Sentry.setUser({ id: "42", email: "grace@example.com" });
  Sentry.setExtra("ordered", "umbrella");
  Sentry.setContext("shop", { region: "eu" });
  Sentry.addBreadcrumb({ category: "cart", message: "the basket was emptied", level: "info" });
  Sentry.getCurrentScope().addAttachment({ filename: "cart.txt", data: "umbrella" });
  const id = fail();
  Sentry.getCurrentScope().clearAttachments();
  Sentry.captureMessage("the checkout is closed", "warning");
  Sentry.captureFeedback({ message: "it does not work", name: "Grace", email: "grace@example.com", associatedEventId: id });
  Sentry.startSpan({ name: "restock", op: "task" }, () => undefined);
  console.log(id);
}

async function main([dsn, errors]) {
  Sentry.init({ dsn, release: "shop@1.2.3", dist: "42", environment: "demo", tracesSampleRate: 1 });
  Sentry.startSession();
  if (errors === undefined) await reportAll();
  for (let number = 0; number < Number(errors ?? 0); number += 1) {
    // The SDK keeps an error to itself whose cause is the same as the one before.
    fail(`basket ${number}`);
    await Sentry.flush(20_000);
  }
  Sentry.captureCheckIn({ monitorSlug: "backup", status: "ok" });
  Sentry.endSession();
  await Sentry.close(20_000);
}

main(process.argv.slice(2));
